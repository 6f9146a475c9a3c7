"""The measures of VOT's supervised experiment: accuracy, robustness, expected average overlap.

A tracker is started on the first frame; where it loses the target (overlap 0) it is stopped, five
frames are skipped, and it is started again. A run has an event per frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

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
    accuracies: tuple[float, ...]
    """By sequence."""
    failures: tuple[float, ...]
    """By sequence, mean over repetitions."""


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
        _burnt_in_overlaps(trial, [whole for whole, _ in each])
        for trial, each in zip(trials, measured, strict=True)
    ]
    failures = [
        float(np.mean([np.count_nonzero(run.events == FAILED) for run in trial.runs]))
        for trial in trials
    ]
    num_frames = sum(len(trial.truth) for trial in trials)
    inner = [[inner for _, inner in each] for each in measured]
    curve = expected_overlap_curve(trials, inner, ending=ending)
    low, high = eao_lengths
    span = curve[low - 1 : high]
    return VotScore(
        accuracy=_mean(np.concatenate(per_frame)),
        robustness=100 * sum(failures) / num_frames,
        num_failures=sum(failures),
        eao=_mean(span) if span.size else _mean(curve[1:]),
        eao_curve=curve,
        accuracies=tuple(_mean(values) for values in per_frame),
        failures=tuple(failures),
    )


def expected_overlap_curve(
    trials: Sequence[Trial], measured: Sequence[Sequence[Floats]], *, ending: Ending
) -> Floats:
    """Return the expected overlap by length: entry L - 1 is that of the first L frames.

    Fragments reach from a start to the next. Those that ended in failure go on with zeros to the
    length of the longest sequence; the last of a sequence counts only up to its own length.
    """
    longest = max(len(trial.truth) for trial in trials)
    total, weight = np.zeros(longest), np.zeros(longest)
    for trial, overlaps_of_runs in zip(trials, measured, strict=True):
        for run, overlap in zip(trial.runs, overlaps_of_runs, strict=True):
            values = np.nan_to_num(overlap)
            for fragment, defined, share in _fragments(run, values, longest, ending):
                means = np.cumsum(fragment[1:]) / np.arange(1, longest)
                used = np.arange(1, longest) < defined
                total[1:] += np.where(used, means, 0) * share / len(trial.runs)
                weight[1:] += used * share / len(trial.runs)
    curve = np.full(longest, np.nan)
    np.divide(total, weight, out=curve, where=weight > 0)
    curve[0] = 1.0
    return curve


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


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
