"""UAV123: videos from drones, some of them cut into several pieces; also its 10 fps release.

Read from ``<root>/`` (or from the one folder in it that holds these two):
    data_seq/UAV123/<folder>/000001.jpg ...   frames; ``UAV123_10fps`` in the 10 fps release
    anno/UAV123/<sequence>.txt                one ``x,y,w,h`` line per frame, 1-based pixels, or
                                              ``NaN,NaN,NaN,NaN`` where the target is absent

A release has 91 image folders and 123 sequences: ``uav123_ranges.json`` says which frames of which
folder a sequence is. Pieces of one folder share frames and targets, so the folder is the group.
"""

import json
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from datasets.box_files import check_num_rows, has_area, read_one_based_boxes
from datasets.files.folders import RawFiles
from datasets.files.roots import find_bases
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)


@cache
def sequence_ranges() -> dict[str, dict[str, tuple[str, int, int]]]:
    """Return, by release and sequence, the image folder and its first and last frame (both in)."""
    table = json.loads(Path(__file__).with_name("uav123_ranges.json").read_text(encoding="ascii"))
    return {
        release: {
            sequence: (folder, first, last)
            for folder, pieces in folders.items()
            for sequence, first, last in pieces
        }
        for release, folders in table.items()
    }


def list_parts(files: RawFiles) -> list[str]:
    """Return ``<base>anno/<release>/<sequence>`` per sequence with an image folder.

    Raises:
        SourceError: There is no image folder of either release.
    """
    parts = []
    num_absent = 0
    for base in find_bases(files, ["data_seq"]):
        for release, sequences in sequence_ranges().items():
            folders = set(files.list(f"{base}data_seq/{release}"))
            here = [name for name, (folder, _, _) in sequences.items() if folder in folders]
            parts += [f"{base}anno/{release}/{name}" for name in here]
            num_absent += len(sequences) - len(here) if here else 0
    if not parts:
        raise SourceError(
            f"{files.root}: no image folder of UAV123, such as data_seq/UAV123/bike1. Pass "
            "--root with the folder that holds 'data_seq' and 'anno'"
        )
    if num_absent:
        logger.warning("%s: %d of UAV123's sequences are not here", files.root, num_absent)
    releases = {part.split("/")[-2] for part in parts}
    if len(releases) > 1:
        raise SourceError(
            f"{files.root}: holds {' and '.join(sorted(releases))}, which show the same videos. "
            "Pass --root with a folder that holds only one of them"
        )
    return parts


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the one track of a sequence.

    Raises:
        SourceError: The annotation is missing or damaged, or has another length than the sequence.
    """
    prefix, release, name = part.rsplit("/", 2)
    folder, first, last = sequence_ranges()[release][name]
    annotation = f"{part}.txt"
    boxes_xywh = read_one_based_boxes(files, annotation)
    check_num_rows(
        files,
        annotation,
        len(boxes_xywh),
        last - first + 1,
        f"frames {first} to {last} of {folder}",
    )
    images = f"{prefix.removesuffix('anno')}data_seq/{release}/{folder}"
    category = re.match("[a-z]+", name)
    assert category is not None  # a name of the package's own table
    yield Track(
        name=name,
        video=folder,
        group=folder,
        category=category[0],
        frames=tuple(f"{images}/{number:06d}.jpg" for number in range(first, last + 1)),
        frame_numbers=np.arange(first, last + 1, dtype=np.int32),
        boxes_xywh=boxes_xywh,
        visible=has_area(boxes_xywh),
    )
