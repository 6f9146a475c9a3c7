"""A source for tests: folders of images with one target each, its boxes in ``boxes.txt``.

Read from ``<root>/<video>/``:
    0001.jpg ...   frames
    boxes.txt      one ``x,y,w,h`` line per frame, 0-based pixels
"""

from collections.abc import Iterator

import numpy as np

from datasets.box_files import decode_text, has_area, parse_boxes
from datasets.files import RawFiles
from datasets.tracks import Track


def list_parts(files: RawFiles) -> list[str]:
    """Return the videos."""
    return files.list("")


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the one track of a video."""
    where = files.where(f"{part}/boxes.txt")
    text = decode_text(files.read(f"{part}/boxes.txt"), where=where)
    boxes_xywh = parse_boxes(text, where=where)
    numbers = np.arange(1, len(boxes_xywh) + 1, dtype=np.int32)
    yield Track(
        name=part,
        video=part,
        group=part,
        category="toy",
        frames=[f"{part}/{number:04d}.jpg" for number in numbers],
        frame_numbers=numbers,
        boxes_xywh=boxes_xywh,
        visible=has_area(boxes_xywh),
    )
