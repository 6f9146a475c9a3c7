"""The measures of VOT's supervised experiment: accuracy, robustness, expected average overlap.

A tracker is started on the first frame; where it loses the target (overlap 0) it is stopped, five
frames are skipped, and it is started again. A run has an event per frame.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluation.presentation.intervals import Sums
from evaluation.regions import Floats, overlaps

SKIPPED = 0
STARTED = 1
FAILED = 2
TRACKED = 3

NUM_SKIPPED = 5
"""Frames from a failure to the next start."""
NUM_BURN_IN = 10
"""Frames from a start that accuracy leaves out, because they are too easy."""

Ending = Literal["matlab", "pysot"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Run:
    """One repetition of a tracker on one sequence."""

    events: NDArray[np.int8]
    """(T,) one of SKIPPED, STARTED, FAILED, TRACKED."""
    regions: Floats
    """(T, 8) corners where TRACKED, NaN elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trial:
    """The repetitions of a tracker on one sequence, with its ground truth."""

    runs: tuple[Run, ...]
    truth: Floats
    """(T, 8) corners."""
    image_size: tuple[int, int]
    """Width and height."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VotScore:
    """Scores of one tracker over all sequences."""

    accuracy: float
    """Mean overlap of the tracked frames."""
    robustness: float
    """Failures per 100 frames of the benchmark; lower is better."""
    num_failures: float
    """Mean over repetitions."""
    eao: float
    """Expected average overlap."""
    eao_curve: Floats
    """Expected average overlap of sequences of 1, 2, ... frames."""
    eao_sums: Sums
    """The expected average overlap as sums over sequences."""
    overlaps: tuple[Floats, ...]
    """By sequence (T,) mean over repetitions; NaN where accuracy does not count."""
    failed: tuple[Floats, ...]
    """By sequence (T,) share of the repetitions that lost the target there."""

    @property
    def accuracies(self) -> tuple[float, ...]:
        """By sequence."""
        return tuple(map(mean_known, self.overlaps))

    @property
    def failures(self) -> tuple[float, ...]:
        """By sequence, mean over repetitions."""
        return tuple(float(shares.sum()) for shares in self.failed)

    @property
    def accuracy_sums(self) -> Sums:
        """Accuracy, which pools the frames of all sequences, as sums over sequences."""
        counts = [int(np.count_nonzero(~np.isnan(overlap))) for overlap in self.overlaps]
        return Sums(above=_column(map(np.nansum, self.overlaps)), below=_column(counts))

    @property
    def robustness_sums(self) -> Sums:
        """Failures per 100 frames as sums over sequences."""
        failures = 100 * _column(self.failures)
        return Sums(above=failures, below=_column(map(len, self.failed)))


def measure_vot(
    trials: Sequence[Trial], *, eao_lengths: tuple[int, int], ending: Ending = "matlab"
) -> VotScore:
    """Return the measures of a tracker.

    Args:
        trials: One per sequence.
        eao_lengths: Lengths that the expected average overlap averages over, both included.
        ending: Effect of a failure exactly five frames before the end. For the MATLAB toolkit the
            sequence ends there as if it had gone on; for pysot the fragment ended in failure.
    """
    measured = [[_both_overlaps(run, trial) for run in trial.runs] for trial in trials]
    per_frame = [
        _burnt_in_overlaps(trial, [whole for whole, _ in runs])
        for trial, runs in zip(trials, measured, strict=True)
    ]
    failed = tuple(
        np.mean([run.events == FAILED for run in trial.runs], axis=0) for trial in trials
    )
    num_failures = float(sum(shares.sum() for shares in failed))
    num_frames = sum(len(trial.truth) for trial in trials)
    inner = [[inner for _, inner in runs] for runs in measured]
    sums = expected_overlap_sums(trials, inner, ending=ending)
    curve = expected_overlap_curve(sums)
    low, high = eao_lengths
    used = slice(low - 1, high) if low <= len(curve) else slice(1, None)
    return VotScore(
        accuracy=mean_known(np.concatenate(per_frame)),
        robustness=100 * num_failures / num_frames,
        num_failures=num_failures,
        eao=mean_known(curve[used]),
        eao_curve=curve,
        eao_sums=Sums(above=sums.above[:, used], below=sums.below[:, used]),
        overlaps=tuple(per_frame),
        failed=failed,
    )


def expected_overlap_curve(sums: Sums) -> Floats:
    """Return the expected overlap by length: entry L - 1 is that of the first L frames."""
    total, weight = sums.above.sum(axis=0), sums.below.sum(axis=0)
    curve = np.full(len(total), np.nan)
    np.divide(total, weight, out=curve, where=weight > 0)
    curve[0] = 1.0
    return curve


def expected_overlap_sums(
    trials: Sequence[Trial], measured: Sequence[Sequence[Floats]], *, ending: Ending
) -> Sums:
    """Return by sequence and length the overlaps of the fragments and their number.

    Fragments reach from a start to the next. Those that ended in failure go on with zeros to the
    length of the longest sequence; the last of a sequence counts only up to its own length.
    """
    longest = max(len(trial.truth) for trial in trials)
    total, weight = (np.zeros((len(trials), longest)) for _ in range(2))
    for row, (trial, overlaps_of_runs) in enumerate(zip(trials, measured, strict=True)):
        for run, overlap in zip(trial.runs, overlaps_of_runs, strict=True):
            values = np.nan_to_num(overlap)
            for fragment, defined, share in _fragments(run, values, longest, ending):
                means = np.cumsum(fragment[1:]) / np.arange(1, longest)
                used = np.arange(1, longest) < defined
                total[row, 1:] += np.where(used, means, 0) * share / len(trial.runs)
                weight[row, 1:] += used * share / len(trial.runs)
    return Sums(above=total, below=weight)


def _fragments(
    run: Run, values: Floats, longest: int, ending: Ending
) -> list[tuple[Floats, int, float]]:
    """Return each fragment's (longest,) overlaps, the length it is defined for, its weight."""
    length = len(values)
    starts = np.flatnonzero(run.events == FAILED) + NUM_SKIPPED
    starts = starts[starts < length if ending == "matlab" else starts <= length]
    cuts = [0, *starts.tolist()]
    fragments = []
    for index, start in enumerate(cuts):
        ended_in_failure = index + 1 < len(cuts)
        stop = cuts[index + 1] + 1 if ended_in_failure else length
        piece = np.zeros(longest)
        part = values[start:stop]
        piece[: len(part)] = part
        # pysot lets a fragment that ended beyond the sequence weigh less by that frame.
        weight = len(part) / max(stop - start, 1) if ending == "pysot" else 1.0
        fragments.append((piece, longest if ended_in_failure else len(part), weight))
    return fragments


def _both_overlaps(run: Run, trial: Trial) -> tuple[Floats, Floats]:
    """Return (T,) overlaps within the toolkit's two windows: for accuracy, and for the rest.

    The first has a column and a row more than the image, so they differ only at its border.
    """
    width, height = trial.image_size
    inner = overlaps(run.regions, trial.truth, bounds=(width - 1, height - 1))
    whole = inner.copy()
    farthest = np.fmax(run.regions, trial.truth).reshape(-1, 4, 2).max(axis=1)
    border = (farthest > np.array([width, height]) - 2).any(axis=1)
    whole[border] = overlaps(run.regions[border], trial.truth[border], bounds=trial.image_size)
    return whole, inner


def _burnt_in_overlaps(trial: Trial, measured: Sequence[Floats]) -> Floats:
    """Return (T,) mean overlap over the repetitions, NaN where none was tracking."""
    length = len(trial.truth)
    stacked = np.array(measured)
    for row, run in zip(stacked, trial.runs, strict=True):
        for start in np.flatnonzero(run.events == STARTED):
            row[start : start + NUM_BURN_IN] = np.nan
    counted = ~np.isnan(stacked)
    num_counted = counted.sum(axis=0)
    total = np.where(counted, stacked, 0).sum(axis=0)
    return np.asarray(
        np.divide(total, num_counted, out=np.full(length, np.nan), where=num_counted > 0)
    )


def _column(values: Iterable[float]) -> Floats:
    return np.array(list(values), np.float64)[:, None]


def mean_known(values: Floats) -> float:
    """Return the mean of the numbers; NaN if all values are NaN."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
