"""LaSOT: long videos of one target each; only the 1,120 of the official training split.

Read from ``<root>/<class>/<class>-<n>/`` (also with the class folder doubled, as some of the
distributed archives have it):
    img/00000001.jpg ...   frames
    groundtruth.txt        one ``x,y,w,h`` line per frame, 1-based pixels
    full_occlusion.txt     one line ``0,0,1,...``: 1 where the target is fully occluded
    out_of_view.txt        one line ``0,0,1,...``: 1 where the target has left the image

The official split is 70 classes of 20 videos, of which four a class are for testing.
``lasot_testing_set.json`` lists these, and the rest is the training split. Videos that are in
neither (the later extension, which is for testing only, or a user's own) are not read.
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from datasets.box_files import (
    check_last_image,
    check_num_rows,
    has_area,
    read_flags,
    read_one_based_boxes,
)
from datasets.files.folders import RawFiles
from datasets.files.roots import find_bases
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_NUM_VIDEOS_PER_CLASS = 20


def training_videos() -> dict[str, list[str]]:
    """Return the names of the official training videos of each class, 1,120 altogether."""
    testing: dict[str, list[int]] = json.loads(
        Path(__file__).with_name("lasot_testing_set.json").read_text(encoding="ascii")
    )
    return {
        category: [
            f"{category}-{number}"
            for number in range(1, _NUM_VIDEOS_PER_CLASS + 1)
            if number not in numbers
        ]
        for category, numbers in testing.items()
    }


def list_parts(files: RawFiles) -> list[str]:
    """Return the folders of the existing official training videos, by class and number.

    Raises:
        SourceError: There are none.
    """
    training = training_videos()
    parts = []
    num_others = 0
    for base in find_bases(files, training):
        for category in [name for name in files.list(base.rstrip("/")) if name in training]:
            listed = set()
            for folder in (f"{base}{category}", f"{base}{category}/{category}"):
                names = files.list(folder)
                wanted = [name for name in training[category] if name in names]
                parts += [f"{folder}/{name}" for name in wanted if name not in listed]
                listed.update(wanted)
                num_others += sum(name.startswith(f"{category}-") for name in names) - len(wanted)
    num_official = sum(map(len, training.values()))
    if not parts:
        raise SourceError(
            f"{files.root}: none of LaSOT's {num_official} training videos, expected folders such "
            "as airplane/airplane-10. Pass --root with the folder that holds 'airplane'"
        )
    if len(parts) < num_official:
        logger.warning(
            "%s: %d of LaSOT's %d training videos are here", files.root, len(parts), num_official
        )
    if num_others:
        logger.info(
            "%s: %d videos are not in the training split, and not read", files.root, num_others
        )
    return parts


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the one track of a video folder.

    Raises:
        SourceError: A file is missing or damaged, or the files disagree on the number of frames.
    """
    name = part.rpartition("/")[2]
    groundtruth = f"{part}/groundtruth.txt"
    boxes_xywh = read_one_based_boxes(files, groundtruth)
    length = len(boxes_xywh)
    hidden = np.zeros(length, dtype=bool)
    for flags_name in ("full_occlusion.txt", "out_of_view.txt"):
        flags = read_flags(files, f"{part}/{flags_name}")
        check_num_rows(
            files,
            f"{part}/{flags_name}",
            len(flags),
            length,
            "one for each line of groundtruth.txt",
        )
        hidden |= flags
    check_last_image(files, groundtruth, length, lambda number: f"{part}/img/{number:08d}.jpg")
    yield Track(
        name=name,
        video=name,
        group=name,
        category=name.rpartition("-")[0],
        frames=tuple(f"{part}/img/{number:08d}.jpg" for number in range(1, length + 1)),
        frame_numbers=np.arange(1, length + 1, dtype=np.int32),
        boxes_xywh=boxes_xywh,
        # Most flagged frames keep a stale box, and some empty or negative boxes are not flagged.
        visible=~hidden & has_area(boxes_xywh),
    )
