"""UAV123, at 30 and at 10 frames per second.

Read from the source's own tree: ``data_seq/<release>/<folder>/000001.jpg`` and
``anno/<release>/<sequence>.txt``; ``att/<sequence>.txt`` beside the annotations holds twelve flags,
if the copy has them.
"""

from collections.abc import Sequence
from functools import partial

from datasets.box_files import decode_text, parse_boxes, parse_flags
from datasets.files import RawFiles
from datasets.sources.uav123 import list_parts, read_part, sequence_ranges
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.sequences import BenchmarkSequence

ATTRIBUTES = (
    "Scale Variation",
    "Aspect Ratio Change",
    "Low Resolution",
    "Fast Motion",
    "Full Occlusion",
    "Partial Occlusion",
    "Out-of-View",
    "Background Clutter",
    "Illumination Variation",
    "Viewpoint Change",
    "Camera Motion",
    "Similar Object",
)
"""Meanings of the twelve flags of an attribute file, in order."""


def read_uav123(files: RawFiles, release: str) -> list[BenchmarkSequence]:
    """Return the sequences of a release that are under the root.

    Raises:
        SourceError: Another release lies there, or an annotation is damaged.
    """
    parts = list_parts(files)
    here = [part for part in parts if part.split("/")[-2] == release]
    if not here:
        raise SourceError(
            f"{files.root}: holds {parts[0].split('/')[-2]}, expected {release}. "
            f"Pass --benchmark {parts[0].split('/')[-2].lower()}"
        )
    return [_read_sequence(files, part) for part in here]


def _read_sequence(files: RawFiles, part: str) -> BenchmarkSequence:
    (track,) = read_part(files, part)
    name = f"{part}.txt"
    where = f"{files.root}/{name}"
    truth = parse_boxes(decode_text(files.read(name), where=where), where=where)
    return BenchmarkSequence(
        name=track.name,
        frames=tuple(track.frames),
        truth=truth,
        attributes=read_attributes(files, f"{part.rpartition('/')[0]}/att/{track.name}.txt"),
        group=track.group,
    )


def read_attributes(
    files: RawFiles, name: str, meanings: Sequence[str] = ATTRIBUTES
) -> tuple[str, ...]:
    """Return the attributes whose flag is 1; none where there is no such file."""
    if not files.exists(name):
        return ()
    where = f"{files.root}/{name}"
    flags = parse_flags(decode_text(files.read(name), where=where), where=where)
    if len(flags) != len(meanings):
        raise SourceError(f"{where}: {len(flags)} flags, expected {len(meanings)}. Copy it again")
    return tuple(meaning for meaning, flag in zip(meanings, flags, strict=True) if flag)


def _record(title: str, release: str) -> BenchmarkRecord:
    return BenchmarkRecord(
        title=title,
        official_names=tuple(sequence_ranges()[release]),
        read=partial(read_uav123, release=release),
        source="uav123",
        result_prefix="uav_",
    )


UAV123 = _record("UAV123", "UAV123")
UAV123_10FPS = _record("UAV123 10 fps", "UAV123_10fps")
