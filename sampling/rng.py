"""Random numbers that follow from (seed, epoch, pair) alone.

Philox is counter-based: any point of its stream is reached at once, so no process has to know
what the others drew. The key is (seed, epoch); the counter's upper words choose pair and purpose.
"""

import numpy as np

_PLAN, _WINDOWS, _PAIR = range(3)


def plan_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that draws an epoch's pairs."""
    return _generator(seed, epoch, 0, _PLAN)


def windows_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that orders an epoch's shards."""
    return _generator(seed, epoch, 0, _WINDOWS)


def pair_rng(seed: int, epoch: int, pair: int) -> np.random.Generator:
    """Return the generator that augments one pair of an epoch."""
    return _generator(seed, epoch, pair, _PAIR)


def _generator(seed: int, epoch: int, pair: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=(seed, epoch), counter=(0, 0, pair, purpose)))
