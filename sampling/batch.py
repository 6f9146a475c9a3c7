"""Batches of pairs: the tensors of one, and the share of each that a process makes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.make_pairs import BatchArrays


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairBatch:
    """B pairs: this rank's slice of a global batch."""

    template: Tensor
    """(B, 127, 127, 3) uint8 RGB."""
    search: Tensor
    """(B, 255, 255, 3) uint8 RGB."""
    boxes_xyxy: Tensor
    """(B, 4) float32 left, top, right, bottom of the search crop's target in its pixels."""
    positive: Tensor
    """(B,) bool, False where template and search crop show two videos."""
    pair_index: Tensor
    """(B,) int64 number of each pair in the epoch."""
    name_pair: Callable[[int], str]
    """Names shards and keys of a pair of the epoch, for messages."""

    def keys(self) -> list[str]:
        """Return for each pair the shards and sample keys of its two crops."""
        return [self.name_pair(pair) for pair in self.pair_index.tolist()]

    def to(self, device: torch.device | str) -> "PairBatch":
        """Return the batch on a device; from pinned memory the copy does not block."""
        return self._changed(lambda tensor: tensor.to(device, non_blocking=True))

    def pin(self) -> "PairBatch":
        """Return the batch in pinned memory, which a GPU reads by itself; the rest is copied."""
        return self._changed(
            lambda tensor: (
                tensor
                if tensor.is_pinned()
                else torch.empty_like(tensor, pin_memory=True).copy_(tensor)
            )
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors of the batch by name."""
        names = [field.name for field in fields(self) if field.name != "name_pair"]
        return {name: getattr(self, name) for name in names}

    def _changed(self, change: Callable[[Tensor], Tensor]) -> "PairBatch":
        changed = {name: change(tensor) for name, tensor in self.tensors().items()}
        return PairBatch(**changed, name_pair=self.name_pair)


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


def empty_arrays(size: int) -> BatchArrays:
    """Return uninitialised memory for a batch of ``size`` pairs."""
    return BatchArrays(
        np.empty((size, TEMPLATE_SIZE, TEMPLATE_SIZE, 3), np.uint8),
        np.empty((size, SEARCH_SIZE, SEARCH_SIZE, 3), np.uint8),
        np.empty((size, 4), np.float32),
    )


def to_batch(
    arrays: BatchArrays, records: NDArray[np.void], name_pair: Callable[[int], str]
) -> PairBatch:
    """Return arrays as a batch, without copying pixels."""
    size = records.size
    return PairBatch(
        template=torch.from_numpy(arrays.template[:size]),
        search=torch.from_numpy(arrays.search[:size]),
        boxes_xyxy=torch.from_numpy(arrays.boxes_xyxy[:size]),
        positive=torch.from_numpy(records["positive"].copy()),
        pair_index=torch.from_numpy(records["pair"].copy()),
        name_pair=name_pair,
    )
