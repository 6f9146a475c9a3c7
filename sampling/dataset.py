"""The pairs of an epoch as a map-style dataset, for `PairLoader` and PyTorch's DataLoader."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from datasets.crops import NETWORK_CROP
from manifests.schema import ManifestError
from manifests.table import Manifest
from manifests.together import require_crop
from sampling.augment import AugmentSettings
from sampling.batch import empty_arrays, to_batch
from sampling.make_pairs import BatchArrays, Failure, PairMaker, ReadCrop
from sampling.pair_index import list_shards, member_names, pair_records, sample_name
from sampling.plan import PairSettings, Plan, make_plan
from sampling.remote.cache import CacheSettings, ShardCache
from sampling.remote.prefetch import ShardStore
from sampling.remote.reader import RemoteReader
from sampling.remote.single_pass import SHARDS_PER_WINDOW, PassingShards
from sampling.remote.windows import draw_windows
from sampling.shard_reader import ShardReader, check_crop
from sampling.track_table import track_table

Access = Literal["random", "stream"]
"""Random reads crops by offset, out of local shards and copies of remote ones in a cache; stream
reads whole shards in sequence and keeps nothing on disk."""


class PairDataset(Dataset[dict[str, Tensor]]):
    """The pairs of one epoch, by number; the order of the numbers is already random.

    Args:
        manifests: Where the crops are, such as `manifests.table.read_manifest` returns.
        pairs: Settings of the plan.
        augment: Settings of the augmentation.
        split: ``"train"`` or ``"val"``; val pairs are the same in every epoch.
        seed: Seed of the run.
        epoch: Number of the epoch.
        access: How the crops are read; with ``"stream"``, by a `PairLoader` only.
        cache: Where copies of remote shards are kept, in random access.
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
        access: Access = "random",
        cache: CacheSettings | None = None,
    ) -> None:
        require_crop(manifests, NETWORK_CROP, of="the network")
        self.access = access
        self.manifests = tuple(manifests)
        self._process = os.getpid()
        self.shards = list_shards(manifests)
        self.is_remote = any(shard.path is None for shard in self.shards)
        """Whether any shard has to be fetched before it is read."""
        self.cache_settings = cache or CacheSettings()
        stored_px = [(shard.template_px, shard.search_px) for shard in self.shards]
        self.maker = PairMaker(stored_px=stored_px, augment=augment, seed=seed)
        copies = self.open_cache()
        self.paths = [shard.path or copies.path(shard) for shard in self.shards]
        """Per shard, the local file: of its own, or of its copy in the cache."""
        self._read = self._open_reader()
        self._settings = pairs
        self._split = split
        self._tracks = track_table(manifests, split=split)
        # in shared memory: a DataLoader's workers that stay see it change
        self._shared_epoch = torch.tensor(epoch).share_memory_()  # type: ignore[no-untyped-call]
        self._draw(epoch)

    def set_epoch(self, epoch: int) -> None:
        """Draw the pairs of another epoch, here and in the workers of a DataLoader."""
        self._shared_epoch.fill_(epoch)
        self._draw(epoch)

    def _draw(self, epoch: int) -> None:
        self._drawn = epoch
        self.epoch = 0 if self._split == "val" else epoch
        has_windows = self.is_remote or self.access == "stream"
        windows = self._draw_windows() if has_windows else None
        self.windows = windows
        """(S,) window of each shard; None in random access to local shards."""
        self.plan = make_plan(
            self._tracks,
            self._settings,
            seed=self.maker.seed,
            epoch=self.epoch,
            transplant=self.maker.augment.transplant_share,
            windows=None if windows is None else windows[self._tracks.shards[:, 0]],
        )
        self.records = pair_records(self.manifests, self.plan)
        """(P,) the epoch's pairs, of type `sampling.pair_index.PAIR`."""
        self.name_pair = partial(name_pair, self.manifests, self.plan)
        """Names shards and keys of a pair's crops."""

    def __len__(self) -> int:
        return self.records.size

    def __getitem__(self, pair: int) -> dict[str, Tensor]:
        """Return one pair; the keys and values are those of `sampling.batch.PairBatch`.

        Raises:
            ManifestError: A crop cannot be read, or differs from the manifest.
            RuntimeError: The process was forked; a DataLoader's workers are to be spawned.
        """
        if os.getpid() != self._process:
            raise RuntimeError(
                f"process {os.getpid()} was forked from {self._process}, which read the manifests; "
                "polars and fsspec hang after a fork. Pass multiprocessing_context='spawn' to the "
                "DataLoader"
            )
        if (epoch := int(self._shared_epoch)) != self._drawn:  # in a worker that has stayed
            self._draw(epoch)
        if not -len(self) <= pair < len(self):
            raise IndexError(f"pair {pair} of {len(self)}")
        record = self.records[[pair]]
        arrays = empty_arrays(1)
        for failure in self.make(record, out=arrays):
            raise self.bad_sample(int(record["pair"][0]), failure)
        batch = to_batch(arrays, record, self.name_pair)
        return {name: tensor[0] for name, tensor in batch.tensors().items()}

    def make(
        self, records: NDArray[np.void], *, out: BatchArrays, read: ReadCrop | None = None
    ) -> list[Failure]:
        """Make pairs in this process; see `sampling.make_pairs.PairMaker.make`."""
        return self.maker.make(records, read or self._read, epoch=self.epoch, out=out)

    def bad_sample(self, pair: int, failure: Failure) -> ManifestError:
        """Return the error for a pair of the epoch that could not be made, with shard and key."""
        name = sample_name(self.manifests, int(self.plan.rows_of(failure.role)[pair]))
        letter = "z" if failure.role == "template" else "x"
        return ManifestError(f"{name}.{letter}.jpg: {failure.message}")

    def open_cache(self) -> ShardCache:
        """Return the cache of remote shards, for one use."""
        return ShardCache(self.cache_settings, RemoteReader(self.cache_settings.retries))

    def open_store(self, records: NDArray[np.void]) -> ShardStore:
        """Return the store that fetches the shards of some pairs, for one use."""
        if self.access == "stream":
            wanted = member_names(self.manifests, self.plan, records)
            return PassingShards(wanted, RemoteReader(self.cache_settings.retries))
        return self.open_cache()

    def _open_reader(self) -> ReadCrop:
        local = ShardReader(self.paths)
        if not self.is_remote:
            return local.read
        is_stream = self.access == "stream"
        remote = RemoteReader(self.cache_settings.retries) if is_stream else self.open_cache()

        def read(shard: int, offset: int, num_bytes: int, crc32: int) -> bytes:
            if self.shards[shard].path is not None:
                return local.read(shard, offset, num_bytes, crc32)
            data = remote.read(self.shards[shard], offset, num_bytes)
            check_crop(data, num_bytes=num_bytes, crc32=crc32)
            return data

        return read

    def _draw_windows(self) -> NDArray[np.int64]:
        is_stream = self.access == "stream"
        if is_stream:
            costs, limit = [1] * len(self.shards), SHARDS_PER_WINDOW
        else:
            costs = [0 if shard.path else shard.num_bytes for shard in self.shards]
            limit = self.cache_settings.limit_bytes // 2  # one in use, one being fetched
        return draw_windows(
            self._tracks,
            np.array(costs, np.int64),
            window_bytes=limit,
            seed=self.maker.seed,
            epoch=self.epoch,
            grow=is_stream,  # only the wanted crops of a window are in memory
        )

    def __getstate__(self) -> dict[str, object]:
        """Leave open files and locks behind."""
        return {name: value for name, value in self.__dict__.items() if name != "_read"}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Open files of the copy's own, in a DataLoader's worker."""
        self.__dict__.update(state)
        self._process = os.getpid()
        self._read = self._open_reader()


def name_pair(manifests: Sequence[Manifest], plan: Plan, pair: int) -> str:
    """Return shards and keys of a pair's crops."""
    rows = [int(plan.rows_of(role)[pair]) for role in ("template", "search", "background")]
    template, search, background = (sample_name(manifests, row) if row >= 0 else "" for row in rows)
    return f"{template} -> {search}" + (f" before {background}" if background else "")
