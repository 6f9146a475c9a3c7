"""Scores of one-pass results: every tracker's curves, per sequence and over the benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from commands.pages.tables import Estimate
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.onepass.alignment import read_result
from evaluation.onepass.conventions import Convention
from evaluation.onepass.metrics import MEASURES, Curves, mean_curves, measure
from evaluation.presentation.intervals import Sums, estimate, mean_of
from evaluation.results.score_each import measure_each
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrackerScore:
    """Scores of one tracker."""

    tracker: str
    per_sequence: dict[str, Curves]
    """Curves by sequence, in the benchmark's order."""
    total: Curves
    """Their plain mean."""
    measures: tuple[str, ...] = ("success (AUC)",)
    """Columns of tables, keys of `evaluation.onepass.metrics.MEASURES`; the first one ranks."""
    runs: tuple[Curves, ...] = ()
    """Over the benchmark, of each run."""
    frames_per_second: float | None = None
    """Median speed of the frames, where the tracker ran here and was timed."""
    note: str = ""
    """Remark for the reader, such as that it was trained on this benchmark."""
    results: TrackerResults | None = None
    """Where its boxes are, for pictures of them."""

    @property
    def headline(self) -> str:
        """Measure that ranks trackers."""
        return self.measures[0]

    @property
    def value(self) -> float:
        """The headline measure over the benchmark."""
        return MEASURES[self.headline](self.total)

    @property
    def label(self) -> str:
        """Name in tables."""
        return f"{self.tracker} ({self.note})" if self.note else self.tracker

    def sums(self, name: str) -> Sums:
        """A measure over the sequences, for intervals and tests."""
        return mean_of([MEASURES[name](curves) for curves in self.per_sequence.values()])

    def estimate(self, name: str) -> Estimate | float:
        """A measure with its interval over the sequences."""
        return estimate(self.sums(name))


def score_tracker(
    benchmark: Benchmark, results: TrackerResults, *, convention: Convention, note: str = ""
) -> TrackerScore:
    """Score the result files of a tracker; of several runs the mean, and the spread in the note.

    Raises:
        SourceError: A result is missing, of another length or damaged, and all such sequences are
            named; or they were tracked on another first box or on other frames.
    """

    def measure_runs(sequence: BenchmarkSequence) -> list[Curves]:
        return _measure_runs(benchmark, sequence, results, convention)

    measured = _pool_starts(benchmark, measure_each(benchmark, results, measure_runs))
    runs = tuple(mean_curves(run) for run in zip(*measured.values(), strict=True))
    if len(runs) > 1:
        spread = f"{len(runs)} runs, AUC +- {np.std([run.auc for run in runs], ddof=1):.3f}"
        note = f"{spread}; {note}" if note else spread
    per_sequence = {name: mean_curves(runs) for name, runs in measured.items()}
    return TrackerScore(
        tracker=results.name,
        per_sequence=per_sequence,
        total=mean_curves(list(per_sequence.values())),
        measures=convention.measures,
        runs=runs,
        frames_per_second=results.median_speed(sequence.name for sequence in benchmark.sequences),
        note=note,
        results=results,
    )


def _pool_starts(
    benchmark: Benchmark, measured: Mapping[str, list[Curves]]
) -> dict[str, list[Curves]]:
    """Return by sequence the curves of each run, over the frames of all its starts."""
    starts: dict[str, list[BenchmarkSequence]] = {}
    for sequence in benchmark.sequences:
        starts.setdefault(sequence.part_of or sequence.name, []).append(sequence)
    return {
        name: [
            mean_curves(list(run), [len(start.frames) for start in group])
            for run in zip(*(measured[start.name] for start in group), strict=True)
        ]
        for name, group in starts.items()
    }


def _measure_runs(
    benchmark: Benchmark,
    sequence: BenchmarkSequence,
    results: TrackerResults,
    convention: Convention,
) -> list[Curves]:
    paths = results.paths_of(sequence.name)
    if len(paths) < results.num_runs:
        raise SourceError(
            f"{results.where}: {len(paths)} of {results.num_runs} runs of {sequence.name}"
        )
    return [
        measure(
            read_result(results, path, sequence, benchmark.files),
            sequence.truth,
            convention=convention,
            absent=sequence.absent,
            image_size=sequence.image_size,
            where=results.files.where(path),
        )
        for path in paths
    ]


def rank(scores: Sequence[TrackerScore]) -> list[TrackerScore]:
    """Return the scores from the best to the worst."""
    return sorted(scores, key=lambda score: -score.value)
