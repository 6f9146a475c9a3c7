"""Scores of one-pass results: every tracker's curves, per sequence and over the benchmark."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.alignment import read_result
from evaluation.conventions import Convention
from evaluation.metrics import Curves, mean_curves, measure
from evaluation.results import find_results, read_times, times_path
from evaluation.sequences import Benchmark
from evaluation.tracked_on import check_tracked_on
from tracking.baselines import SHORTEST_S


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrackerScore:
    """What one tracker reached."""

    tracker: str
    per_sequence: dict[str, Curves]
    """Curves by sequence, in the benchmark's order."""
    total: Curves
    """Their plain mean."""
    frames_per_second: float | None = None
    """Median speed of the frames, where the tracker ran here and was timed."""
    note: str = ""
    """What a reader must know, such as that it was trained on this benchmark."""


def score_tracker(
    benchmark: Benchmark, folder: Path, *, convention: Convention, note: str = ""
) -> TrackerScore:
    """Score the result files in a tracker's folder.

    Raises:
        SourceError: A result is missing, of another length or damaged, or was tracked on another
            first box or on other frames.
    """
    check_tracked_on(benchmark, folder)
    paths = find_results(folder, [sequence.name for sequence in benchmark.sequences])
    per_sequence = {
        sequence.name: measure(
            read_result(paths[sequence.name], sequence, benchmark.files),
            sequence.truth,
            convention=convention,
            absent=sequence.absent,
            where=str(paths[sequence.name]),
        )
        for sequence in benchmark.sequences
    }
    return TrackerScore(
        tracker=folder.name,
        per_sequence=per_sequence,
        total=mean_curves(list(per_sequence.values())),
        frames_per_second=_median_speed(list(paths.values())),
        note=note,
    )


def rank(scores: Sequence[TrackerScore]) -> list[TrackerScore]:
    """Return the scores from the best success to the worst."""
    return sorted(scores, key=lambda score: -score.total.auc)


def _median_speed(paths: list[Path]) -> float | None:
    timed = [times_path(path) for path in paths]
    if not all(path.exists() for path in timed):
        return None
    seconds = np.concatenate([read_times(path) for path in timed])
    seconds = seconds[seconds > 0]
    median = float(np.median(seconds)) if seconds.size else 0.0
    return 1 / median if median > SHORTEST_S else None
