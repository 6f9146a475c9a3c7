"""Frames from a video file, a folder of images or a camera."""

import logging
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from datasets.files.folders import LocalFolder
from datasets.frame_order import sort_frames
from datasets.images import Image, decode_image
from datasets.levels import levels_of
from datasets.tracks import SourceError

logger = logging.getLogger(__name__)

_LAST_CAMERA = 2**31 - 1
"""Largest index that OpenCV takes."""
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
"""First boxes of MP4 and QuickTime files."""
_WITH_DURATION = (b"\x1aE\xdf\xa3", b"FLV")
"""First bytes of Matroska (WebM) and FLV files."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Video:
    """An opened source of frames; iterate over `frames` once."""

    name: str
    fps: float
    num_frames: int | None
    """None if unknown, as for a camera."""
    frames: Generator[Image, None, None]
    """(H, W, 3) uint8 RGB, in time order."""
    endless: bool = False
    """Whether it is a camera, which runs until it is stopped."""


def open_video(source: str, *, fps: float = 25.0) -> Video:
    """Open a video file, a folder of images, or a camera by its index.

    Args:
        source: Path, or digits for a camera.
        fps: Frame rate of a folder of images.

    Raises:
        SourceError: The source does not exist, or no frame can be read.
    """
    path = Path(source)
    if path.is_dir():
        return _open_folder(path, fps)
    if path.is_file():
        return _open_capture(str(path), source, endless=False)
    if re.fullmatch(r"\d+", source):
        index = min(int(source), _LAST_CAMERA)
        return _open_capture(index, f"camera {source}", endless=True)
    raise SourceError(f"{source}: no such file or folder; pass a video, images or a camera index")


def _open_folder(folder: Path, fps: float) -> Video:
    names = sort_frames((path.name for path in folder.iterdir()), where=str(folder))
    if not names:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
        hint = f"its folders are {inside[:5]}" if inside else "it has no folders either"
        raise SourceError(f"{folder}: no images in this folder; {hint}. Pass the folder of images")
    files = LocalFolder(str(folder))
    frames = (_read_image(files, name) for name in names)
    return Video(name=str(folder), fps=fps, num_frames=len(names), frames=frames)


def _read_image(folder: LocalFolder, name: str) -> Image:
    data = folder.read(name)
    try:
        return decode_image(data, levels=levels_of(folder, name))
    except ValueError as error:
        raise SourceError(f"{folder.where(name)}: {error}. Copy it again, or remove it") from error


def _open_capture(source: str | int, name: str, *, endless: bool) -> Video:
    with silent_opencv():
        capture = cv2.VideoCapture(source)
        first, image = capture.read()
    if not first:
        capture.release()
        hint = "is it connected and free" if endless else "is it a video that OpenCV plays"
        raise SourceError(f"{name}: no frame can be read; {hint}?")
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return Video(
        name=name,
        fps=fps if np.isfinite(fps) and 1 <= fps <= 1000 else 25.0,
        num_frames=count if count > 0 and not endless else None,
        frames=_read_capture(capture, image, source),
        endless=endless,
    )


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Suppress OpenCV's messages about each backend that failed; ours is one line."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _read_capture(capture: Any, image: Any, source: str | int) -> Generator[Image, None, None]:
    num_read = 0
    try:
        more = True
        while more:
            num_read += 1
            end_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            more, image = capture.read()
        if isinstance(source, str):
            _warn_if_cut_off(capture, Path(source), num_read, end_s)
    finally:
        capture.release()


def _warn_if_cut_off(capture: Any, path: Path, num_read: int, end_s: float) -> None:
    """Log a warning if a file has fewer frames than it states.

    AVI and MP4 state the number of frames. Matroska and FLV state a duration, from which OpenCV
    estimates the number; the sound may be longer than the pictures. Other kinds state neither.
    """
    with path.open("rb") as file:
        head = file.read(12)
    stated, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    if head[4:8] in _MP4_BOXES or (head[:4], head[8:]) == (b"RIFF", b"AVI "):
        about, is_cut_off = "", stated - num_read > max(1, stated / 100)
    elif head.startswith(_WITH_DURATION) and rate > 0:
        about, is_cut_off = "about ", stated / rate - end_s > max(1, stated / rate / 20)
    else:
        return
    if is_cut_off:
        logger.warning(
            "%s: the file states %s%d frames, and %d can be read. It is cut off or damaged: copy "
            "it again",
            *(path, about, stated, num_read),
        )
