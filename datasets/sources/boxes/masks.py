"""Masks: a PNG per frame whose values are objects (DAVIS, YouTube-VOS); a box is their extent.

Value 0 is the background, and 255 undecided, or the one object of masks with no other value.
"""

import struct
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.files.folders import RawFiles
from datasets.files.prefetch import prefetch
from datasets.files.video_frames import VideoFrames
from datasets.image_headers import check_size, image_size
from datasets.sources.boxes.frames import list_inner
from datasets.sources.boxes.targets import Row, Target, Video
from datasets.tracks import SourceError

_FOLDERS = ("masks", "Annotations")
_VOID = 255
_GREY, _PALETTE = 0, 3
_ADVICE = "Export it as a PNG with a palette or grey values, one value per object"


def find(files: RawFiles, folder: str, name: str) -> list[str]:
    """Return the masks: in the video's folder, or where DAVIS has them beside ``JPEGImages``."""
    masks = {f"{folder}/{inner}": list_inner(files, folder, inner) for inner in _FOLDERS}
    if "JPEGImages/" in folder:
        beside = folder.replace("JPEGImages/", "Annotations/", 1)
        masks[beside] = files.list(beside)
    return [
        f"{parent}/{entry}"
        for parent, entries in masks.items()
        for entry in entries
        if entry.lower().endswith(".png") and not entry.startswith(".")
    ]


def read(files: RawFiles, names: list[str], video: Video) -> list[Target]:
    """Return one target per value of the masks.

    Raises:
        SourceError: A mask is damaged, of colours, or of no frame.
    """
    return read_masks(files, names, video, {})


def read_masks(
    files: RawFiles, names: list[str], video: Video, categories: Mapping[int, str]
) -> list[Target]:
    """Return one target per value of the masks.

    Args:
        files: The raw root.
        names: The masks.
        video: Their video; a mask has the name of its frame, with another suffix.
        categories: Classes of the objects; others are ``"object"``.

    Raises:
        SourceError: A mask is damaged, of colours, of no frame, or of another size than its frame.
    """
    frames = {_stem(name): index for index, name in enumerate(video.frames)}
    targets: dict[int, Target] = {}
    size = (0, 0)
    for name, content in zip(names, prefetch(files, names), strict=True):
        where = files.where(name)
        index = frames.get(_stem(name))
        if index is None:
            raise SourceError(f"{where}: a mask without a frame of its name. Remove it")
        mask = decode_mask(content(), where=where)
        if mask.shape != size:  # of the first mask, and where it changes
            _check_size(files, video.frames[index], mask, where)
            size = mask.shape
        for value, box in _extents(mask).items():
            category = categories.get(value, "object")
            target = targets.setdefault(value, Target(name=str(value), category=category))
            target.add(Row(index, box), where=where)
    if set(targets) == {_VOID}:
        return [Target(name="1", category=categories.get(1, "object"), rows=targets[_VOID].rows)]
    return [targets[value] for value in sorted(targets) if value != _VOID]


def decode_mask(data: bytes, *, where: str) -> NDArray[np.uint8]:
    """Return the (H, W) values of a PNG with a palette or grey values.

    Raises:
        SourceError: It is damaged, too large, or of another kind.
    """
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 33:
        raise SourceError(f"{where}: {len(data)} bytes that are not a PNG. {_ADVICE}")
    depth, kind = data[24], data[25]
    if kind not in (_GREY, _PALETTE) or depth > 8:
        raise SourceError(f"{where}: a PNG of colours or of 16 bits. {_ADVICE}")
    try:
        check_size(data)
    except ValueError as error:
        raise SourceError(f"{where}: {error}. {_ADVICE}") from None
    image = None
    if data.rfind(b"IEND") > 0:  # OpenCV returns the part before a cut
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SourceError(f"{where}: the image is damaged or cut off. {_ADVICE}")
    if kind == _GREY:
        return np.asarray(image // (255 // (2**depth - 1)), dtype=np.uint8)
    return _palette_values(data, image, where)


def _palette_values(data: bytes, image: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
    """Return the values of a decoded image, whose colours are those of the PNG's palette."""
    start = data.find(b"PLTE")
    (size,) = struct.unpack(">I", data[start - 4 : start])
    palette = np.frombuffer(data[start + 4 : start + 4 + size], np.uint8).reshape(-1, 3)
    bgr = (np.dstack([image] * 3) if image.ndim == 2 else image[..., :3]).astype(np.int32)
    codes = (bgr[..., 2] << 16) + (bgr[..., 1] << 8) + bgr[..., 0]
    colors = palette.astype(np.int32) @ [1 << 16, 1 << 8, 1]
    value_of = {int(color): value for value, color in reversed(list(enumerate(colors)))}
    used, inverse = np.unique(codes, return_inverse=True)
    if any(int((colors == code).sum()) > 1 for code in used if code != colors[0]):
        raise SourceError(f"{where}: two objects have the same colour in its palette. {_ADVICE}")
    values = np.array([value_of[int(code)] for code in used], dtype=np.uint8)
    return np.asarray(values[inverse.reshape(codes.shape)])


def _check_size(files: RawFiles, frame: str, mask: NDArray[np.uint8], where: str) -> None:
    """Raise SourceError if a mask has another size than its frame, unless that is damaged."""
    height, width = mask.shape
    try:
        expected = image_size(VideoFrames(files).read(frame))
    except ValueError:
        return
    if (width, height) != expected:
        raise SourceError(
            f"{where}: a mask of {width}x{height} pixels, expected {expected[0]}x{expected[1]} as "
            f"{frame} has. Export the masks in the size of the frames"
        )


def _extents(mask: NDArray[np.uint8]) -> dict[int, tuple[float, float, float, float]]:
    """Return the box of each value above 0."""
    boxes = {}
    for value in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist():
        if value:
            rows, columns = (np.flatnonzero((mask == value).any(axis=axis)) for axis in (1, 0))
            left, top = float(columns[0]), float(rows[0])
            boxes[value] = (left, top, columns[-1] - left + 1.0, rows[-1] - top + 1.0)
    return boxes


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]
