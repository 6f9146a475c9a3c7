"""GOT-10k: short videos of one target each, from its train and val parts.

Read from ``<root>/train/`` and ``<root>/val/``, or from ``<root>/`` itself:
    GOT-10k_Train_000001/00000001.jpg ...     frames
    GOT-10k_Train_000001/groundtruth.txt      one ``x,y,w,h`` line per frame, 1-based pixels
    GOT-10k_Train_000001/absence.label        1 where the target is absent
    GOT-10k_Train_000001/cover.label          visible eighths of the target, 0 to 8
    GOT-10k_Train_000001/cut_by_image.label   1 where the target is cut by the image border
    GOT-10k_Train_000001/meta_info.ini        ``object_class`` is the category

``got10k_vot_exclude.json`` lists the 1,000 training videos that VOT may show from 2019 on, as
``ltr/data_specs/got10k_vot_exclude.txt`` of github.com/visionml/pytracking does: these are left out
unless ignored tracks are kept. val is a benchmark: it is read only if train is absent.
"""

import json
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import (
    check_last_image,
    check_num_rows,
    has_area,
    parse_boxes,
    read_flags,
    read_one_based_boxes,
    read_text,
)
from datasets.files.folders import RawFiles
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_VIDEO = re.compile(r"GOT-10k_(Train|Val)_(\d{6})", re.ASCII)
_FULLY_VISIBLE = 8


@cache
def excluded_videos() -> frozenset[str]:
    """Return the names of the training videos that VOT forbids."""
    path = Path(__file__).with_name("got10k_vot_exclude.json")
    numbers = json.loads(path.read_text(encoding="ascii"))
    return frozenset(f"GOT-10k_Train_{number:06d}" for number in numbers)


def list_parts(files: RawFiles) -> list[str]:
    """Return the folders of the training videos, or those of val where no others are.

    Raises:
        SourceError: There are none.
    """
    for base in ("train/", "", "val/"):
        names = filter(_VIDEO.fullmatch, files.list(base.rstrip("/")))
        if parts := [f"{base}{name}" for name in names]:
            break
    else:
        raise SourceError(
            f"{files.root}: no video of GOT-10k, such as train/GOT-10k_Train_000001. Pass --root "
            "with the folder that holds 'train'"
        )
    num_excluded = sum(part.rpartition("/")[2] in excluded_videos() for part in parts)
    if num_excluded:
        logger.info("%s: %d videos are possibly in VOT, and ignored", files.root, num_excluded)
    if parts[0].rpartition("/")[2].startswith("GOT-10k_Val"):
        logger.warning("%s: val is a benchmark. Report no numbers on it", files.root)
    return parts


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the one track of a video.

    Raises:
        SourceError: A file is missing or damaged, or the files disagree on the number of frames.
    """
    name = part.rpartition("/")[2]
    groundtruth = f"{part}/groundtruth.txt"
    boxes_xywh = read_one_based_boxes(files, groundtruth)
    length = len(boxes_xywh)
    absent = read_flags(files, f"{part}/absence.label")
    cut = read_flags(files, f"{part}/cut_by_image.label")
    cover = _read_cover(files, f"{part}/cover.label")
    labels = {"absence": absent, "cut_by_image": cut, "cover": cover}
    for label, values in labels.items():
        file = f"{part}/{label}.label"
        check_num_rows(files, file, len(values), length, "one for each line of groundtruth.txt")
    check_last_image(files, groundtruth, length, lambda number: f"{part}/{number:08d}.jpg")
    yield Track(
        name=name,
        video=name,
        group=name,
        category=_read_class(files, f"{part}/meta_info.ini"),
        frames=tuple(f"{part}/{number:08d}.jpg" for number in range(1, length + 1)),
        frame_numbers=np.arange(1, length + 1, dtype=np.int32),
        boxes_xywh=boxes_xywh,
        visible=~absent & (cover > 0) & has_area(boxes_xywh),
        occluded=cover < _FULLY_VISIBLE,
        truncated=cut,
        ignored="possibly in VOT" if name in excluded_videos() else None,
    )


def _read_cover(files: RawFiles, name: str) -> NDArray[np.float64]:
    where = files.where(name)
    cover = parse_boxes(read_text(files, name), where=where, widths=(1,), what="visible eighths")[
        :, 0
    ]
    wrong = np.flatnonzero(~np.isin(cover, np.arange(_FULLY_VISIBLE + 1)))
    if wrong.size:
        line = wrong[0] + 1
        raise SourceError(f"{where}:{line}: {cover[line - 1]:g}, expected 0 to 8. Get it again")
    return cover


def _read_class(files: RawFiles, name: str) -> str:
    pattern = r"^object_class:[ \t]*(\S.*?)\s*$"
    match = re.search(pattern, read_text(files, name), re.MULTILINE)
    if match is None:
        raise SourceError(f"{files.where(name)}: no object_class. Get the file again")
    return match[1]
