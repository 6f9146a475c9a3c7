"""ImageNet VID (ILSVRC2015 and later packs): short videos of one or more annotated targets.

Read from ``<root>/`` (or from the one folder in it that holds these two):
    Data/VID/train/<pack>/ILSVRC2015_train_XXXXXYYY/000000.JPEG ...         frames
    Annotations/VID/train/<pack>/ILSVRC2015_train_XXXXXYYY/000000.xml ...   all targets of a frame
    ``val`` instead of ``train``, without the ``<pack>`` level

XXXXX is the source video that a snippet was cut from, and with train or val its group. Coordinates
include the last pixel. A target keeps its ``trackid`` through gaps, and stays one track.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from datasets.box_files import has_area
from datasets.files.folders import RawFiles
from datasets.files.prefetch import prefetch
from datasets.files.roots import find_bases
from datasets.sources.imagenet_xml import box_xywh, flag, read_xml, text, whole
from datasets.tracks import BadAnnotations, SourceError, Track

logger = logging.getLogger(__name__)


class _Row(NamedTuple):
    number: int
    box_xywh: tuple[float, float, float, float]
    is_occluded: bool
    is_generated: bool


_VIDEO = re.compile(r"[A-Za-z]+\d{4}_(train|val)_(\d{5})\d{3}", re.ASCII)
_NUMBER = re.compile(r"\d{6}", re.ASCII)


def list_parts(files: RawFiles) -> list[str]:
    """Return the annotation folders of the videos with frames.

    Raises:
        SourceError: There is none.
    """
    parts = []
    num_absent = 0
    for base in find_bases(files, ["Annotations"]):
        for subset in ("train", "val"):
            annotated = _list_videos(files, f"{base}Annotations/VID/{subset}")
            there = set(_list_videos(files, f"{base}Data/VID/{subset}"))
            parts += [f"{base}Annotations/VID/{subset}/{name}" for name in annotated & there]
            num_absent += len(annotated - there)
            if there - annotated:
                logger.warning(
                    "%s: %d videos of %s have no annotation, and are not read",
                    files.root,
                    len(there - annotated),
                    subset,
                )
    if not parts:
        raise SourceError(
            f"{files.root}: no annotated video, expected such as "
            "Annotations/VID/val/ILSVRC2015_val_00000000 and the same below Data. Pass --root with "
            "the folder that holds 'Annotations' and 'Data'"
        )
    if num_absent:
        logger.warning("%s: %d annotated videos have no frames here", files.root, num_absent)
    return sorted(parts)


def read_part(files: RawFiles, part: str, bad: BadAnnotations | None = None) -> Iterator[Track]:
    """Yield the tracks of one video, in the order of their numbers.

    Args:
        files: The raw root.
        part: The video's annotation folder.
        bad: Takes the objects with something wrong in them; None allows none.

    Raises:
        SourceError: An XML file is damaged, or frames and XML files do not match.
    """
    video = part.rpartition("/")[2]
    match = _VIDEO.fullmatch(video)
    assert match is not None  # list_parts yields no others
    images = part.replace("Annotations/VID/", "Data/VID/", 1)
    _check_frames(files, part, images)
    rows: dict[int, list[_Row]] = {}
    categories: dict[int, Counter[str]] = {}
    size: tuple[int, int] | None = None
    numbers = _list_numbers(files, part, ".xml")
    names = [f"{part}/{number:06d}.xml" for number in numbers]
    for number, name, read in zip(numbers, names, prefetch(files, names), strict=True):
        where = files.where(name)
        before = size
        size, objects = read_xml(read(), partial(_read_object, number), where=where, bad=bad)
        if min(size) < 1 or size != (before or size):
            after = f", after frames of {before}" if before else ""
            raise SourceError(
                f"{where}: not readable as ImageNet's XML (it states frames of {size} px{after}). "
                "Get the file again"
            )
        for track_id, category, row in objects.values():
            track_rows = rows.setdefault(track_id, [])
            if track_rows and track_rows[-1].number == row.number:
                logger.warning("%s: trackid %d again, ignored", where, track_id)
                continue
            categories.setdefault(track_id, Counter())[category] += 1
            track_rows.append(row)
    _tell_changes(files.where(part), categories)
    for track_id in sorted(rows):
        frame_numbers, boxes, occluded, generated = zip(*rows[track_id], strict=True)
        boxes_xywh = np.array(boxes, dtype=np.float64)
        yield Track(
            name=f"{video}-{track_id:02d}",
            video=video,
            group=f"{match[1]}_{match[2]}",
            category=next(iter(categories[track_id])),
            frames=tuple(f"{images}/{number:06d}.JPEG" for number in frame_numbers),
            frame_numbers=np.array(frame_numbers, dtype=np.int32),
            boxes_xywh=boxes_xywh,
            visible=has_area(boxes_xywh),
            frame_size=size,
            occluded=np.array(occluded, dtype=bool),
            generated=np.array(generated, dtype=bool),
        )


def _tell_changes(where: str, categories: Mapping[int, Counter[str]]) -> None:
    """Warn of tracks of several classes; the first class counts."""
    changing = {track_id: names for track_id, names in categories.items() if len(names) > 1}
    if changing:
        track_id, names = next(iter(changing.items()))
        counts = ", ".join(f"{name} in {count} frames" for name, count in names.items())
        logger.warning(
            "%s: the class of %d of its %d tracks changes, as in track %d (%s). The first is taken",
            where,
            len(changing),
            len(categories),
            track_id,
            counts,
        )


def _list_videos(files: RawFiles, folder: str) -> set[str]:
    """Return the videos below a folder, directly or in packs of any name."""
    videos = set()
    for name in files.list(folder):
        if _VIDEO.fullmatch(name):
            videos.add(name)
        else:
            inner = files.list(f"{folder}/{name}")
            videos |= {f"{name}/{video}" for video in inner if _VIDEO.fullmatch(video)}
    return videos


def _list_numbers(files: RawFiles, folder: str, suffix: str) -> list[int]:
    """Return the frame numbers of a folder's files, ascending."""
    names = [name.removesuffix(suffix) for name in files.list(folder) if name.endswith(suffix)]
    return sorted(int(name) for name in names if _NUMBER.fullmatch(name))


def _check_frames(files: RawFiles, annotations: str, images: str) -> None:
    """Raise SourceError if an image has no XML; a missing image shows when it is read."""
    annotated = _list_numbers(files, annotations, ".xml")
    without = sorted(set(_list_numbers(files, images, ".JPEG")) - set(annotated))
    if without or not annotated:
        missing = f"{without[0]:06d}.xml" if without else "000000.xml"
        raise SourceError(
            f"{files.where(annotations)}: {len(annotated)} XML files and no {missing}, expected "
            f"one for each image of {images}. Unpack the annotations again"
        )


def _read_object(number: int, item: Element) -> tuple[int, str, _Row]:
    """Return an object's track, class and row in frame ``number``."""
    row = _Row(number, box_xywh(item), flag(item, "occluded"), flag(item, "generated"))
    return whole(item, "trackid"), text(item, "name"), row
