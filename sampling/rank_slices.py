"""The share of each global batch that one process makes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class RankSlices:
    """Distribution of batches over ranks; each rank gets at least one pair of every batch."""

    batch_size: int
    """Pairs of a global batch; the last of an epoch may be smaller."""
    rank: int
    world_size: int

    def __post_init__(self) -> None:
        """Check that a full batch has a pair for each rank."""
        if not 0 <= self.rank < self.world_size <= self.batch_size:
            raise ValueError(
                f"rank {self.rank} of {self.world_size} with a global batch of {self.batch_size}: "
                "each rank needs at least one pair of a batch"
            )

    def check(self, total: int, first_pair: int) -> None:
        """Check that an epoch of ``total`` pairs can start at ``first_pair``.

        Raises:
            ValueError: There is no such pair, or the last batch has fewer pairs than ranks.
        """
        if not 0 <= first_pair <= total:
            raise ValueError(f"first_pair {first_pair} lies outside an epoch of {total} pairs")
        left_over = (total - first_pair) % self.batch_size
        if 0 < left_over < self.world_size:
            raise ValueError(
                f"{total - first_pair} pairs in batches of {self.batch_size} leave {left_over} "
                f"for the last one, fewer than {self.world_size} ranks. Change pairs_per_epoch"
            )

    def cut(self, records: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
        """Yield this rank's slice of each batch.

        Args:
            records: (P,) the remaining pairs of the epoch.
        """
        for start in range(0, records.size, self.batch_size):
            batch = records[start : start + self.batch_size]
            first, stop = (batch.size * r // self.world_size for r in (self.rank, self.rank + 1))
            yield batch[first:stop]
