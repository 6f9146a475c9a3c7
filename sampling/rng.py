"""Random numbers that follow from (seed, epoch, pair) alone.

Philox is counter-based: any point of its stream is reached at once, so no process needs the
draws of the others. The key is (seed, epoch); the counter's words are the pair and the purpose.
"""

import numpy as np
from numpy.typing import NDArray

BLOCKS = (8, 24)
"""Sizes of the blocks of a pair's numbers, multiples of 4. An effect without free numbers adds a
block: the others keep their place in the stream, and with it the pairs of older versions."""
_NUMBERS_PER_STEP = 4  # of Philox' counter
_PLAN, _WINDOWS, _PAIR = range(3)
"""Purposes; the second block of a pair has the one after ``_PAIR``, and so on."""


def plan_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that draws an epoch's pairs."""
    return _generator(seed, epoch, 0, _PLAN)


def windows_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator that orders an epoch's shards."""
    return _generator(seed, epoch, 0, _WINDOWS)


def pair_numbers(
    seed: int, epoch: int, pairs: NDArray[np.int64], *, blocks: int = len(BLOCKS)
) -> NDArray[np.float64]:
    """Return (B, N) in [0, 1), each pair's own: the numbers of its first ``blocks``."""
    return np.concatenate(
        [
            _block(seed, epoch, pairs, _PAIR + number, size)
            for number, size in enumerate(BLOCKS[:blocks])
        ],
        axis=1,
    )


def _block(
    seed: int, epoch: int, pairs: NDArray[np.int64], purpose: int, count: int
) -> NDArray[np.float64]:
    """Return (B, count) numbers; neighbours in the epoch are neighbours in the stream."""
    steps = count // _NUMBERS_PER_STEP
    if pairs.size and (np.diff(pairs) == 1).all():  # a batch is drawn in one go
        return _generator(seed, epoch, int(pairs[0]) * steps, purpose).random((pairs.size, count))
    rows = [_generator(seed, epoch, pair * steps, purpose).random(count) for pair in pairs.tolist()]
    return np.array(rows).reshape(-1, count)


def _generator(seed: int, epoch: int, step: int, purpose: int) -> np.random.Generator:
    counter = (step, 0, 0, purpose)
    return np.random.Generator(np.random.Philox(key=(seed, epoch), counter=counter))
