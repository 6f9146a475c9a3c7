"""UAV123, at 30 and at 10 frames per second, and UAV20L, 20 long videos made of its frames.

Read from the source's own tree: ``data_seq/<release>/<folder>/000001.jpg`` and
``anno/<release>/<sequence>.txt``; ``att/<sequence>.txt`` beside the annotations holds twelve flags,
if the copy has them. The frames of UAV20L are the first ones of ``data_seq/UAV123/<sequence>/``.
"""

from functools import partial

from datasets.box_files import check_num_rows, read_flags
from datasets.files import RawFiles
from datasets.sources.uav123 import list_parts, read_part, sequence_ranges
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.published import FACTS
from evaluation.sequences import BenchmarkSequence, read_truth

ATTRIBUTES = tuple(FACTS["attribute_flags"]["uav123"])
"""Meanings of the twelve flags of an attribute file, in order."""
_LENGTHS: dict[str, int] = FACTS["lengths"]["uav20l"]


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
    tracks = {part: track for part in here for track in read_part(files, part)}
    return [
        _read_sequence(files, part, tuple(track.frames), group=track.group)
        for part, track in tracks.items()
    ]


def read_uav20l(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the sequences whose annotation and image folder are under the root.

    Raises:
        SourceError: An annotation is damaged or of another length.
    """
    top = files.list("")
    bases = [""] if "data_seq" in top else [f"{name}/" for name in top]
    sequences = []
    for base in bases:
        for name in sorted(set(files.list(f"{base}data_seq/UAV123")) & set(_LENGTHS)):
            part = f"{base}anno/UAV20L/{name}"
            if files.exists(f"{part}.txt"):
                images = range(1, _LENGTHS[name] + 1)
                frames = tuple(f"{base}data_seq/UAV123/{name}/{n:06d}.jpg" for n in images)
                sequences.append(_read_sequence(files, part, frames, group=name))
    return sequences


def _read_sequence(
    files: RawFiles, part: str, frames: tuple[str, ...], *, group: str
) -> BenchmarkSequence:
    """Return a sequence by its annotation, a path without suffix."""
    folder, _, name = part.rpartition("/")
    truth = read_truth(files, f"{part}.txt")
    what = f"frames 1 to {len(frames)} of {name}"
    check_num_rows(files, f"{part}.txt", len(truth), len(frames), what)
    return BenchmarkSequence(
        name=name,
        frames=frames,
        truth=truth,
        attributes=_read_attributes(files, f"{folder}/att/{name}.txt"),
        group=group,
    )


def _read_attributes(files: RawFiles, name: str) -> tuple[str, ...]:
    """Return the attributes whose flag is 1; none where there is no such file."""
    if not files.exists(name):
        return ()
    flags = read_flags(files, name)
    if len(flags) != len(ATTRIBUTES):
        raise SourceError(
            f"{files.where(name)}: {len(flags)} flags, expected {len(ATTRIBUTES)}. Copy it again"
        )
    return tuple(meaning for meaning, flag in zip(ATTRIBUTES, flags, strict=True) if flag)


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
UAV20L = BenchmarkRecord(
    title="UAV20L", official_names=tuple(_LENGTHS), read=read_uav20l, source="uav123"
)
