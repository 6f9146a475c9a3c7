"""Folders of benchmarks, for comparing footage: frames, and boxes beside them.

A sequence is a folder of images with its ground truth in it or in the folder above:
    <Sequence>/img/0001.jpg, <Sequence>/groundtruth_rect.txt    OTB, DTB70
    <Sequence>/img/0001.jpg, <Sequence>/<Sequence>_gt.txt       TC128
    <Sequence>/30/<Sequence>/00001.jpg, <Sequence>/30/<Sequence>.txt (VATIC rows)    NFS
    <class>/<sequence>/img/00000001.jpg, groundtruth.txt        LaSOT and its extension
    <sequence>/00000001.jpg, groundtruth.txt (4 or 8 numbers)   GOT-10k, VOT
    TEST/frames/<video>/0.jpg, TEST/anno/<video>.txt            TrackingNet
Of test parts with the first box only, GOT-10k's and TrackingNet's, the first frames are compared.
UAV123's tree (``anno`` and ``data_seq``) is read as the training source of that name is; UAV20L
shows the same videos.
"""

import logging
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import parse_boxes, read_text
from datasets.files.folders import RawFiles
from datasets.frame_order import is_image, sort_frames
from datasets.sources import SOURCES
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_TRUTHS = re.compile(r"groundtruth.*\.txt|.+_gt\.txt")
_NUMBERED = re.compile(r"\.\d+\.txt$")


def read_benchmark(files: RawFiles) -> list[Track]:
    """Return the sequences under a root, each as a track with its visible frames.

    Raises:
        SourceError: No folder of images has ground truth beside it.
    """
    top = files.list("")
    if "anno" in top and "data_seq" in top:
        source = SOURCES["uav123"]
        return [
            track for part in source.list_parts(files) for track in source.read_part(files, part)
        ]
    tracks = list(_find_sequences(files, "", top))
    if not tracks:
        raise SourceError(
            f"{files.root}: no folder of images with a groundtruth*.txt beside it. Pass --against "
            "with the folder that holds the benchmark's sequences"
        )
    return tracks


def _find_sequences(files: RawFiles, folder: str, entries: list[str]) -> Iterator[Track]:
    if any(map(is_image, entries)):
        if truths := _find_truths(files, folder, entries):
            name, paths = truths
            images = sort_frames(entries, where=files.where(folder))
            yield from (_track(files, name, folder, images, path) for path in paths)
            return
        logger.warning("%s/%s: images without ground truth, left out", files.root, folder)
    for name in entries:
        # Folders may have dots in their names too; files and empty folders list nothing.
        if not is_image(name):
            inside = f"{folder}/{name}" if folder else name
            yield from _find_sequences(files, inside, files.list(inside))


def _find_truths(files: RawFiles, folder: str, entries: list[str]) -> tuple[str, list[str]] | None:
    """Return the name of the sequence with its images in a folder, and its ground truth files."""
    above, _, last = folder.rpartition("/")
    is_inner = last in ("img", "imgs", "color", "images")
    if above.endswith(("/30", "/240")) and files.exists(f"{above}/{last}.txt"):  # NFS
        return last, [f"{above}/{last}.txt"]
    beside = re.sub("(^|/)frames$", r"\1anno", above)  # TrackingNet
    if beside != above and files.exists(f"{beside}/{last}.txt"):
        return last, [f"{beside}/{last}.txt"]
    for parent, names in ((folder, entries), (above, files.list(above) if is_inner else [])):
        paths = [f"{parent}/{name}".lstrip("/") for name in names if _TRUTHS.fullmatch(name)]
        if paths:
            numbered = [path for path in paths if _NUMBERED.search(path)]
            name = above if is_inner else folder
            paths = numbered or paths  # beside them groundtruth_rect.txt repeats one of the targets
            return name or files.root.rstrip("/").rpartition("/")[2], paths
    return None


def _track(files: RawFiles, name: str, folder: str, images: list[str], truth: str) -> Track:
    boxes_xywh = _read_truth(files, truth)
    if len(boxes_xywh) > 4 * len(images):
        boxes_xywh = boxes_xywh[::8]  # NFS at 30 frames per second has the rows of 240
    if len(boxes_xywh) == 1:
        images = images[:1]
    # Some folders hold more images than the benchmark uses: the last ones are compared then.
    count = min(len(images), len(boxes_xywh))
    if len(images) != len(boxes_xywh):
        logger.warning(
            "%s: %d boxes for %d images, so the last %d images are compared with the first boxes",
            files.where(truth),
            len(boxes_xywh),
            len(images),
            count,
        )
    boxes_xywh, images = boxes_xywh[:count], images[-count:]
    with np.errstate(invalid="ignore"):
        has_box = np.isfinite(boxes_xywh).all(axis=1) & (boxes_xywh[:, 2:] > 1).all(axis=1)
    return Track(
        name=name,
        video=name,
        group=name,
        category="",
        frames=[f"{folder}/{image}".lstrip("/") for image in images],
        frame_numbers=np.arange(count, dtype=np.int32),
        boxes_xywh=boxes_xywh,
        visible=np.asarray(has_box),
    )


def _read_truth(files: RawFiles, name: str) -> NDArray[np.float64]:
    """Return (T, 4) boxes, or those around polygons; errors of a pixel do not matter here."""
    where = files.where(name)
    text = read_text(files, name)
    if '"' in text.partition("\n")[0]:  # VATIC: id, corners, frame, three flags, "label"
        text = "\n".join(",".join(line.split()[1:5]) for line in text.splitlines())
        values = parse_boxes(text, where=where)
        return np.concatenate([values[:, :2], values[:, 2:] - values[:, :2]], axis=1)
    values = parse_boxes(text, where=where, widths=(4, 8), what="a box, or x,y of four corners")
    if values.shape[1] == 4:
        return values
    corners = values.reshape(-1, 4, 2)
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, high - low], axis=1)
