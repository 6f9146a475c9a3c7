"""The truth and footage that results were tracked on, so that they are not scored on others.

    <results>/<tracker>/tracked_on/<sequence>.json

holds digests, written before the sequence is tracked: of what the tracker was told (the first box;
in VOT's supervised experiment the whole truth, since it decides on failures and starts), of the
frames' names and sizes, and of the bytes of 16 frames spread over the sequence. A later line of
one-pass truth may change: no tracker saw it. One frame that was replaced by another of as many
bytes may go unnoticed. Where the images, or their sizes, are not there to compare, they count as
unchanged.

Results that this version did not record, but that were tracked here, are kept with a warning where
their first row is the first box (VOT's have none). Results from elsewhere are not judged.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.files import RawFiles
from datasets.files.prefetch import prefetch
from datasets.tracks import SourceError, Track
from evaluation.benchmark import Benchmark
from evaluation.results.files import read_record, write_record

logger = logging.getLogger(__name__)

TRACKER_FILE = "tracker.json"
"""In a tracker's folder, if its results were made here."""
_FOLDER = "tracked_on"
_NUM_SAMPLES = 16
"""Frames of a sequence whose bytes are compared; all would take as long as tracking reads."""
_REASONS = {
    "first_box": "another first box",
    "truth": "another truth",
    "names": "frames of other names",
    "sizes": "other images",
    "content": "other images",
}
"""By part of a record, the reason if it has changed."""

Record = Mapping[str, str]


def check_tracked_on(benchmark: Benchmark, folders: Iterable[str]) -> None:
    """Check that a tracker's runs were made on the current content of the benchmark's folder.

    Raises:
        SourceError: The truth that the tracker started from, or the frames, have changed since.
    """
    for folder in folders:
        _check_run(benchmark, Path(folder))


def _check_run(benchmark: Benchmark, folder: Path) -> None:
    if not (folder / TRACKER_FILE).exists() and not (folder / _FOLDER).is_dir():
        return
    unrecorded, changed = [], {}
    for sequence in benchmark.sequences:
        results = benchmark.protocol.find_results(sequence, folder)
        if not results:
            continue
        record = read_record(_record_path(folder, sequence.name))
        if record:
            reasons = find_changes(record, describe_benchmark(benchmark)[sequence.name])
        else:
            unrecorded.append(sequence.name)
            starts = benchmark.protocol.starts_on(results[0], sequence)
            reasons = [] if starts else [_REASONS["first_box"]]
        if reasons:
            changed[sequence.name] = reasons[0]
    if changed:
        first = next(iter(changed))
        others = {1: "", 2: " (so is 1 other sequence)"}.get(
            len(changed), f" (so are {len(changed) - 1} other sequences)"
        )
        raise SourceError(
            f"{folder}: {first} was tracked on {changed[first]} than {benchmark.files.root} holds "
            f"now{others}. Delete its results to have it tracked again, or pass another --name"
        )
    if unrecorded:
        logger.warning(
            "%s: %d results of an earlier version do not say which frames they were tracked on, "
            "such as %s. They are taken as tracked on those of today",
            folder,
            len(unrecorded),
            unrecorded[0],
        )


def record_tracked_on(benchmark: Benchmark, folder: Path) -> None:
    """Check existing results, and record truth and footage of all sequences.

    Raises:
        SourceError: As `check_tracked_on`.
    """
    check_tracked_on(benchmark, [str(folder)])
    for sequence in benchmark.sequences:
        now = describe_benchmark(benchmark)[sequence.name]
        path = _record_path(folder, sequence.name)
        known = read_record(path)
        if benchmark.protocol.find_results(sequence, folder):
            now = {**known, **now}
        if now != known:
            write_record(path, now)


@lru_cache(maxsize=1)  # for every tracker in a folder of results
def describe_benchmark(benchmark: Benchmark) -> Mapping[str, Record]:
    """Return, by sequence, digests of the truth given to a tracker and of its frames."""
    records = {}
    for sequence in benchmark.sequences:
        part, numbers = benchmark.protocol.told(sequence)
        frames = _describe_frames(sequence.frames, benchmark.files)
        records[sequence.name] = {part: _digest_array(numbers), **frames}
    return records


def describe_tracks(tracks: Sequence[Track], files: RawFiles, *, num_frames: int) -> Record:
    """Return digests of the boxes and of the first frames of training tracks."""
    records = [
        {
            "truth": _digest_array(
                np.column_stack([track.boxes_xywh[:num_frames], track.visible[:num_frames]])
            ),
            **_describe_frames(track.frames[:num_frames], files),
        }
        for track in tracks
    ]
    shared = set.intersection(*(set(record) for record in records))
    return {
        part: _digest(*(record[part].encode() for record in records)) for part in sorted(shared)
    }


def find_changes(before: Record, now: Record) -> list[str]:
    """Return the reasons for the parts that differ, among those in both records."""
    return [
        reason
        for part, reason in _REASONS.items()
        if part in before and part in now and before[part] != now[part]
    ]


def _describe_frames(frames: Sequence[str], files: RawFiles) -> Record:
    """Return digests of the names, sizes and sampled bytes of frames, if these exist.

    Folders are left out of the names: a copy elsewhere shows the same.
    """
    names = [name.rpartition("/")[2] for name in frames]
    record = {"names": _digest(*(name.encode(errors="surrogateescape") for name in names))}
    folders = {name.rpartition("/")[0] for name in frames}
    sizes = {
        f"{folder}/{name}": size for folder in folders for name, size in files.sizes(folder).items()
    }
    if any(name in sizes for name in frames):
        record["sizes"] = _digest(*(str(sizes.get(name)).encode() for name in frames))
    chosen = np.unique(np.linspace(0, len(frames) - 1, _NUM_SAMPLES).round().astype(int))
    contents = []
    for read in prefetch(files, [frames[index] for index in chosen]):
        try:
            contents.append(read())
        except SourceError:  # absent or damaged
            contents.append(b"")
    if any(contents):
        record["content"] = _digest(*contents)
    return record


def _digest_array(values: NDArray[np.float64]) -> str:
    """Return a digest of numbers and their shape."""
    return _digest(str(values.shape).encode(), np.ascontiguousarray(values).tobytes())


def _record_path(folder: Path, sequence: str) -> Path:
    return folder / _FOLDER / f"{sequence}.json"


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
