"""MOT15, 16, 17, 20 and DanceTrack: videos of many people or other targets.

Read from ``<root>/`` or ``<root>/train/`` (also one folder deeper):
    <sequence>/img1/000001.jpg ...   frames
    <sequence>/gt/gt.txt             boxes, see `datasets.sources.boxes.mot`; 1-based pixels
    <sequence>/seqinfo.ini           number of frames, if it exists

Sequences without ``gt`` are for testing and are not read. MOT17 has each video three times, with
the detections of DPM, FRCNN and SDP: one of the three is read.
"""

import logging
import re
from collections.abc import Iterator

from datasets.box_files import read_text
from datasets.files.folders import RawFiles
from datasets.sources.boxes.frames import read_video
from datasets.sources.boxes.mot import read_gt
from datasets.sources.boxes.targets import make_track
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_CLASSES = dict(
    enumerate(
        (
            *("pedestrian", "person on vehicle", "car", "bicycle", "motorbike"),
            *("non-motorized vehicle", "static person", "distractor", "occluder"),
            *("occluder on the ground", "full occluder", "reflection"),
        ),
        start=1,
    )
)
_COPY = re.compile(r"(MOT17-\d+)-(DPM|FRCNN|SDP)", re.ASCII)


def list_parts(files: RawFiles) -> list[str]:
    """Return the folders of the annotated sequences.

    Raises:
        SourceError: There are none.
    """
    parts: dict[str, str] = {}
    num_copies = 0
    for folder in _sequences(files):
        name = _video_name(folder)
        num_copies += name in parts
        parts.setdefault(name, folder)
    if not parts:
        raise SourceError(
            f"{files.root}: no sequence with gt/gt.txt, such as train/MOT17-02-FRCNN/gt/gt.txt. "
            "Pass --root with the folder that holds 'train'"
        )
    if num_copies:
        logger.info("%s: %d sequences are copies of others, and not read", files.root, num_copies)
    return sorted(parts.values())


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the tracks of a sequence, by their ids.

    Raises:
        SourceError: A row is wrong, or frames are missing.
    """
    video = read_video(files, part)
    expected = _stated_length(files, f"{part}/seqinfo.ini")
    if expected not in (None, len(video.frames)):
        raise SourceError(
            f"{files.where(part)}: {len(video.frames)} images, expected {expected} as seqinfo.ini "
            "states. The copy is incomplete: get it again"
        )
    for target in read_gt(files, f"{part}/gt/gt.txt", video, _CLASSES):
        yield make_track(video, target, origin=1, group=_video_name(part))


def _sequences(files: RawFiles) -> Iterator[str]:
    """Yield the folders with ground truth, up to two folders below the root."""
    for top in files.list(""):
        inner = files.list(top)
        below = [top] if "gt" in inner else [f"{top}/{name}" for name in inner]
        for folder in below:
            if files.exists(f"{folder}/gt/gt.txt"):
                yield folder
            elif folder != top and "img1" not in files.list(folder):
                names = (f"{folder}/{name}" for name in files.list(folder))
                yield from (name for name in names if files.exists(f"{name}/gt/gt.txt"))


def _video_name(folder: str) -> str:
    name = folder.rpartition("/")[2]
    match = _COPY.fullmatch(name)
    return match[1] if match else name


def _stated_length(files: RawFiles, name: str) -> int | None:
    if not files.exists(name):
        return None
    pattern = re.compile(r"^\s*seqLength\s*=\s*(\d+)\s*$", re.ASCII | re.MULTILINE)
    match = pattern.search(read_text(files, name))
    if match is None:
        raise SourceError(f"{files.where(name)}: no seqLength, expected a number. Get it again")
    return int(match[1])
