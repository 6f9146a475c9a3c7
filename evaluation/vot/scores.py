"""Scores of VOT's supervised experiment: every tracker's measures from its result files."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.benchmark import Benchmark
from evaluation.results.score_each import measure_each
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence, read_size
from evaluation.vot.measures import Ending, Trial, VotScore, measure_vot
from evaluation.vot.result_files import read_runs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VotTracker:
    """One tracker's measures."""

    tracker: str
    score: VotScore
    ending: Ending
    """The rule for the end of a sequence that it was measured by."""
    note: str = ""
    frames_per_second: float | None = None
    """Median speed of the frames, where the tracker was timed."""

    @property
    def label(self) -> str:
        """Name in tables."""
        return f"{self.tracker} ({self.note})" if self.note else self.tracker


def score_vot(
    benchmark: Benchmark, results: TrackerResults, *, ending: Ending = "matlab", note: str = ""
) -> VotTracker:
    """Score the result files of a tracker; the benchmark is one of VOT.

    Raises:
        SourceError: A result or a first image is missing or damaged, and all such sequences are
            named; or the results were tracked on another truth or on other frames.
    """

    def read_trial(sequence: BenchmarkSequence) -> Trial:
        runs = read_runs(results, sequence.name, len(sequence.frames))
        size = read_size(benchmark.files, sequence.frames[0])
        return Trial(runs=runs, truth=sequence.truth, image_size=size)

    trials = list(measure_each(benchmark, results, read_trial).values())
    score = measure_vot(trials, eao_lengths=benchmark.record.eao_lengths, ending=ending)
    return VotTracker(
        tracker=results.name,
        score=score,
        ending=ending,
        note=note,
        frames_per_second=results.median_speed(sequence.name for sequence in benchmark.sequences),
    )


def rank_vot(trackers: Sequence[VotTracker]) -> list[VotTracker]:
    """Return the trackers from the best EAO to the worst; one without a number comes last."""
    return sorted(trackers, key=lambda score: -np.nan_to_num(score.score.eao, nan=-1.0))
