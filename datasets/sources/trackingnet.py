"""TrackingNet: 30,000 videos from YouTube-BB, one target each.

Read from ``<root>/TRAIN_0/`` to ``TRAIN_11/``:
    frames/<video>/0.jpg ...   frames, counted from 0
    anno/<video>.txt           one ``x,y,w,h`` line per frame, 0-based pixels

A video is named ``<YouTube id>_<number>``, the id having 11 characters with ``-`` and ``_`` among
them. Pieces of one YouTube video are one group.
"""

import logging
import re
from collections.abc import Iterator

import numpy as np

from datasets.box_files import check_last_image, has_area, parse_boxes, read_text
from datasets.files.folders import RawFiles
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_CHUNK = re.compile(r"TRAIN_\d+", re.ASCII)
_PIECE = re.compile(r"(.+)_\d+", re.ASCII)


def list_parts(files: RawFiles) -> list[str]:
    """Return ``<chunk>/anno/<video>`` per video with frames.

    Raises:
        SourceError: There are none.
    """
    parts = []
    num_absent = 0
    for chunk in filter(_CHUNK.fullmatch, files.list("")):
        there = set(files.list(f"{chunk}/frames"))
        names = [name for name in files.list(f"{chunk}/anno") if name.endswith(".txt")]
        videos = [name.removesuffix(".txt") for name in names]
        parts += [f"{chunk}/anno/{video}" for video in videos if video in there]
        num_absent += sum(video not in there for video in videos)
    if not parts:
        raise SourceError(
            f"{files.root}: no video of TrackingNet, expected such as TRAIN_0/frames and "
            "TRAIN_0/anno. Pass --root with the folder that holds 'TRAIN_0'"
        )
    if num_absent:
        logger.warning("%s: %d annotated videos have no frames here", files.root, num_absent)
    return parts


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the one track of a video.

    Raises:
        SourceError: The annotation is damaged, or has another length than the video.
    """
    chunk, _, name = part.split("/")
    annotation = f"{part}.txt"
    boxes_xywh = parse_boxes(read_text(files, annotation), where=files.where(annotation))
    length = len(boxes_xywh)
    images = f"{chunk}/frames/{name}"
    check_last_image(files, annotation, length, lambda number: f"{images}/{number - 1}.jpg")
    piece = _PIECE.fullmatch(name)
    yield Track(
        name=name,
        video=name,
        group=piece[1] if piece else name,
        category="object",
        frames=tuple(f"{images}/{number}.jpg" for number in range(length)),
        frame_numbers=np.arange(length, dtype=np.int32),
        boxes_xywh=boxes_xywh,
        visible=has_area(boxes_xywh),
    )
