"""Random numbers that follow from (seed, epoch, pair) alone.

Philox is counter-based: any point of its stream is reached at once, so no process has to know
what the others drew. The key is (seed, epoch); the counter's words are the pair and the purpose.
"""

import numpy as np
from numpy.typing import NDArray

NUMBERS_PER_PAIR = 8
"""Numbers that a pair's augmentation draws."""
_NUMBERS_PER_STEP = 4  # of Philox' counter
_PLAN, _WINDOWS, _PAIR = range(3)


def plan_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that draws an epoch's pairs."""
    return _generator(seed, epoch, 0, _PLAN)


def windows_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that orders an epoch's shards."""
    return _generator(seed, epoch, 0, _WINDOWS)


def pair_rng(seed: int, epoch: int, pair: int) -> np.random.Generator:
    """Return the generator that augments one pair of an epoch: eight numbers are its own."""
    return _generator(seed, epoch, pair, _PAIR)


def pair_numbers(seed: int, epoch: int, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (B, 8) in [0, 1): row i is what ``pair_rng(seed, epoch, pairs[i])`` draws.

    Neighbours in the epoch are neighbours in the stream, so a batch is drawn in one go.
    """
    if pairs.size and (np.diff(pairs) == 1).all():
        return pair_rng(seed, epoch, int(pairs[0])).random((pairs.size, NUMBERS_PER_PAIR))
    rows = [pair_rng(seed, epoch, pair).random(NUMBERS_PER_PAIR) for pair in pairs.tolist()]
    return np.array(rows).reshape(-1, NUMBERS_PER_PAIR)


def _generator(seed: int, epoch: int, pair: int, purpose: int) -> np.random.Generator:
    counter = (pair * (NUMBERS_PER_PAIR // _NUMBERS_PER_STEP), 0, 0, purpose)
    return np.random.Generator(np.random.Philox(key=(seed, epoch), counter=counter))
