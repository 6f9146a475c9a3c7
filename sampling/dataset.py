"""The pairs of an epoch as a map-style dataset: what `PairLoader` and PyTorch's DataLoader read."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from manifests.schema import ManifestError
from manifests.table import Manifest
from sampling.augment import AugmentSettings
from sampling.batch import empty_arrays
from sampling.fetch import ShardReader
from sampling.pairs import BatchArrays, Failure, PairMaker
from sampling.plan import PairSettings, Plan, make_plan
from sampling.records import list_shards, pair_records, sample_name
from sampling.tracks import track_table


class PairDataset(Dataset[dict[str, Tensor]]):
    """The pairs of one epoch, by number; the order of the numbers is already random.

    Args:
        manifests: Where the crops are, such as `manifests.table.read_manifest` returns.
        pairs: What pairs to draw.
        augment: How to vary them.
        split: ``"train"`` or ``"val"``; val pairs are the same in every epoch.
        seed: Seed of the run.
        epoch: Number of the epoch.
    """

    def __init__(
        self,
        manifests: Sequence[Manifest],
        *,
        pairs: PairSettings,
        augment: AugmentSettings,
        split: str = "train",
        seed: int = 0,
        epoch: int = 0,
    ) -> None:
        self.manifests = tuple(manifests)
        self.shards = list_shards(manifests)
        stored_px = [(shard.template_px, shard.search_px) for shard in self.shards]
        self.maker = PairMaker(stored_px=stored_px, augment=augment, seed=seed)
        self.paths = [shard.url for shard in self.shards]
        self._reader = ShardReader(self.paths)
        self._settings = pairs
        self._split = split
        self._tracks = track_table(manifests, split=split)
        self.set_epoch(epoch)

    def set_epoch(self, epoch: int) -> None:
        """Draw the pairs of another epoch."""
        self.epoch = 0 if self._split == "val" else epoch
        self.plan = make_plan(self._tracks, self._settings, seed=self.maker.seed, epoch=self.epoch)
        self.records = pair_records(self.manifests, self.plan)
        """(P,) the epoch's pairs, of type `sampling.records.PAIR`."""
        self.name_pair = partial(name_pair, self.manifests, self.plan)
        """Names shards and keys of a pair's two crops."""

    def __len__(self) -> int:
        return self.records.size

    def __getitem__(self, pair: int) -> dict[str, Tensor]:
        """Return one pair; the keys and values are those of `sampling.batch.PairBatch`.

        Raises:
            ManifestError: A crop cannot be read, or is not what the manifest says.
        """
        if not -len(self) <= pair < len(self):
            raise IndexError(f"pair {pair} of {len(self)}")
        record = self.records[[pair]]
        arrays = empty_arrays(1)
        for failure in self.make(record, out=arrays):
            raise self.bad_sample(record, failure)
        return {
            "template": torch.from_numpy(arrays.template[0]),
            "search": torch.from_numpy(arrays.search[0]),
            "boxes_xyxy": torch.from_numpy(arrays.boxes_xyxy[0]),
            "positive": torch.from_numpy(record["positive"])[0],
            "pair_index": torch.from_numpy(record["pair"])[0],
        }

    def make(self, records: NDArray[np.void], *, out: BatchArrays) -> list[Failure]:
        """Make pairs in this process; see `sampling.pairs.PairMaker.make`."""
        return self.maker.make(records, self._reader.read, epoch=self.epoch, out=out)

    def bad_sample(self, records: NDArray[np.void], failure: Failure) -> ManifestError:
        """Return the error for a pair that could not be made, with shard and key."""
        pair = int(records["pair"][failure.place])
        template = failure.role == "template"
        rows = self.plan.template_rows if template else self.plan.search_rows
        name = sample_name(self.manifests, int(rows[pair]))
        return ManifestError(f"{name}{'.z.jpg' if template else '.x.jpg'}: {failure.message}")

    def __getstate__(self) -> dict[str, object]:
        """Leave open files behind: the copy in a DataLoader's worker opens its own."""
        return self.__dict__ | {"_reader": ShardReader(self.paths)}


def name_pair(manifests: Sequence[Manifest], plan: Plan, pair: int) -> str:
    """Return shards and keys of a pair's two crops."""
    rows = (int(plan.template_rows[pair]), int(plan.search_rows[pair]))
    template, search = (sample_name(manifests, row) for row in rows)
    return f"{template} -> {search}"
