"""Confidence intervals over sequences, and paired tests between trackers.

A measure of a benchmark is a ratio of sums over its sequences: a mean over sequences divides by
their number, an accuracy over pooled frames by the frames, and an expected overlap is the mean of
one ratio per length. Sequences are drawn with replacement for intervals. For tests the results of
two trackers are exchanged at random, sequence by sequence. All randomness has a fixed seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from commands.pages.tables import Cell, Estimate, Table

Values = NDArray[np.float64]

LEVEL = 0.95
"""Share of an interval; a difference is noise where its p is 1 - LEVEL or more."""
FEWEST = 5
"""Sequences below which there are no intervals and no tests."""
INTERVALS = (
    f" After +-, where it stands, is half of the {LEVEL:.0%} interval: the bootstrap over the "
    "sequences, of which there are at least five. It is the noise of the choice of sequences."
)
"""Explanation of the intervals, for reports."""
_NUM_DRAWS = 4_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sums:
    """A measure as a ratio of sums over S sequences."""

    above: Values
    """(S, L) numerators; the measure is the mean of L ratios."""
    below: Values
    """(S, L) denominators."""

    def value(self) -> float:
        """The measure."""
        return float(_mean_ratio(self.above.sum(axis=0), self.below.sum(axis=0)))

    def by_sequence(self) -> Values:
        """(S,) the measure of each sequence alone; NaN where it has none."""
        return _mean_ratio(self.above, self.below)


def mean_of(values: Sequence[float] | Values) -> Sums:
    """Return the plain mean over sequences as a ratio of sums."""
    column = np.asarray(values, np.float64)[:, None]
    return Sums(above=column, below=np.ones_like(column))


def estimate(measure: Sums) -> Estimate | float:
    """Return a measure with its interval; without one if there are too few sequences."""
    value = measure.value()
    if len(measure.above) < FEWEST:
        return value
    counts = _draw_sequences(len(measure.above))
    return _with_interval(value, _mean_ratio(counts @ measure.above, counts @ measure.below))


def estimate_difference(leader: Sums, other: Sums) -> Estimate:
    """Return by how much a measure differs between two trackers, over the same sequences."""
    counts = _draw_sequences(len(leader.above))
    drawn = [_mean_ratio(counts @ sums.above, counts @ sums.below) for sums in (leader, other)]
    return _with_interval(leader.value() - other.value(), drawn[0] - drawn[1])


def paired_test(leader: Sums, other: Sums) -> float:
    """Return p of a two-sided permutation test on the same sequences.

    It is the share of random exchanges that give a difference at least as large; the real one
    counts as one of them, so that it is never 0.
    """
    signs = _draw_signs(len(leader.above))

    def exchanged(first: Values, second: Values) -> tuple[Values, Values]:
        middle, half = (first + second).sum(axis=0) / 2, signs @ (first - second) / 2
        return middle + half, middle - half

    above, below = exchanged(leader.above, other.above), exchanged(leader.below, other.below)
    differences = _mean_ratio(above[0], below[0]) - _mean_ratio(above[1], below[1])
    # equal sums may differ in the last bit
    least = abs(leader.value() - other.value()) * (1 - 1e-9)
    return float((1 + np.count_nonzero(np.abs(differences) >= least)) / (1 + len(signs)))


def adjust(ps: Sequence[float]) -> list[float]:
    """Return Holm's adjustment of the p of several tests."""
    order = np.argsort(ps, kind="stable")
    scaled = np.asarray(ps, np.float64)[order] * np.arange(len(ps), 0, -1)
    adjusted = np.empty(len(ps))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted.tolist()


def difference_table(measure: str, ranked: Mapping[str, Sums]) -> Table | None:
    """Return the best tracker's differences from each of the others; the caption has the verdict.

    Args:
        measure: Its name; higher is better.
        ranked: By tracker, the best first.

    Returns:
        The table; None for one tracker, or fewer than `FEWEST` sequences.
    """
    (best, leader), *others = ranked.items()
    num_sequences = len(leader.above)
    if not others or num_sequences < FEWEST:
        return None
    ps = adjust([paired_test(leader, sums) for _, sums in others])
    level = [
        f"{best} and {name} differ by less than the noise (p {p:.2f})"
        for (name, _), p in zip(others, ps, strict=True)
        if p >= 1 - LEVEL
    ]
    verdict = "; ".join(level) or f"{best} differs from every other tracker by more than the noise"
    rows: list[tuple[Cell, ...]] = []
    for (name, sums), p in zip(others, ps, strict=True):
        apart = leader.by_sequence() - sums.by_sequence()
        wins = [int(np.count_nonzero(apart * side > 0)) for side in (1, -1)]
        rows.append((name, estimate_difference(leader, sums), *wins, p))
    return Table(
        caption=(
            f"{verdict}: {measure}, paired permutation test over {num_sequences} sequences, "
            f"p adjusted by Holm, noise where it is {1 - LEVEL:.2f} or more"
        ),
        columns=("tracker", f"{best} is ahead by", "better on", "worse on", "p"),
        rows=tuple(rows),
        digits=(3, 0, 0, 4),
    )


def _mean_ratio(above: Values, below: Values) -> Values:
    """Return the mean over the last axis of the ratios that exist."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above / below
    known = below > 0
    num_known = known.sum(axis=-1)
    total = np.where(known, ratios, 0).sum(axis=-1)
    means: Values = np.full(num_known.shape, np.nan)
    np.divide(total, num_known, out=means, where=num_known > 0)
    return means


def _with_interval(value: float, drawn: Values) -> Estimate:
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value=value, low=float(low), high=float(high))


@lru_cache(maxsize=4)
def _draw_sequences(num_sequences: int) -> Values:
    """Return (draws, S) how often each sequence is drawn."""
    shares = np.full(num_sequences, 1 / num_sequences)
    rng = np.random.default_rng(0)
    return rng.multinomial(num_sequences, shares, _NUM_DRAWS).astype(np.float64)


@lru_cache(maxsize=4)
def _draw_signs(num_sequences: int) -> Values:
    """Return (draws, S) 1 where results stay, -1 where they are exchanged."""
    rng = np.random.default_rng(0)
    return np.where(rng.integers(2, size=(_NUM_DRAWS, num_sequences)) == 1, -1.0, 1.0)
