"""Batches of pairs for a training loop.

    loader = PairLoader([manifest], pairs=PairSettings(), augment=AugmentSettings(),
                        batch_size=32, seed=0, num_workers=2)
    for epoch in range(20):
        loader.set_epoch(epoch)
        for batch in loader:
            ...

The sequence of global batches follows from manifests, settings, seed and epoch, whatever the
number of processes and workers; each rank gets its slice of every batch.
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from manifests.schema import ManifestError
from manifests.table import Manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch, RankSlices, empty_arrays, to_batch
from sampling.dataset import Access, PairDataset
from sampling.make_pairs import BatchArrays, Failure
from sampling.plan import PairSettings
from sampling.remote.cache import CacheSettings
from sampling.remote.prefetch import Prefetch
from sampling.remote.single_pass import held_crops
from sampling.shard_reader import read_held
from sampling.upload import CudaUpload, Upload, delivered
from sampling.workers.pool import WorkerPool

logger = logging.getLogger(__name__)


class PairLoader:
    """Iterates over the batches of one epoch.

    Args:
        manifests: Where the crops are.
        pairs: Settings of the plan.
        augment: Settings of the augmentation.
        split: ``"train"`` or ``"val"``; val pairs are the same in every epoch.
        batch_size: Pairs of a global batch, over all ranks. The last batch may be smaller.
        seed: Seed of the run.
        epoch: Number of the epoch.
        first_pair: First pair of the epoch to deliver.
        rank: Number of this process.
        world_size: Number of processes.
        num_workers: Number of worker processes; 0 makes the pairs in this one.
        max_bad_samples: How many crops an epoch may fail to read, in this process; each is logged,
            and its pair replaced by the next one of the epoch. One more stops the run.
        access: ``"random"``, or ``"stream"`` for whole shards in sequence, with nothing on disk.
        cache: Where copies of remote shards are kept, and how large they may become together.
        device: Where batches are wanted. On a CUDA device they are delivered there, each copied
            while the one before is in use; None leaves them to the caller, in pinned memory if
            there is a GPU.

    Raises:
        ManifestError: No row is in the split.
        ValueError: The numbers do not fit each other.
    """

    def __init__(
        self,
        manifests: Sequence[Manifest],
        *,
        pairs: PairSettings,
        augment: AugmentSettings,
        split: str = "train",
        batch_size: int,
        seed: int,
        epoch: int = 0,
        first_pair: int = 0,
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
        max_bad_samples: int = 0,
        access: Access = "random",
        cache: CacheSettings | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._slices = RankSlices(batch_size=batch_size, rank=rank, world_size=world_size)
        self.dataset = PairDataset(
            manifests,
            pairs=pairs,
            augment=augment,
            split=split,
            seed=seed,
            epoch=epoch,
            access=access,
            cache=cache,
        )
        self.num_bad_samples = 0
        """Crops of this epoch that could not be read."""
        self.waited_s = 0.0
        """Time in which the last epoch waited for remote shards, but for the first ones."""
        self._streams = access == "stream"
        self._num_workers = num_workers
        self._max_bad_samples = max_bad_samples
        self._device = device
        self._pin_memory = torch.cuda.is_available() if device is None else device.type == "cuda"
        self._upload: Upload | None = None
        self._pool: WorkerPool | None = None
        self._start_at(first_pair)

    def set_epoch(self, epoch: int, *, first_pair: int = 0) -> None:
        """Go to another epoch; batches of the old one that were made ahead are dropped."""
        self._start_at(first_pair)
        self.dataset.set_epoch(epoch)

    def __len__(self) -> int:
        """Return the number of batches from the first pair to the end of the epoch."""
        return -(-(len(self.dataset) - self._first_pair) // self._slices.batch_size)

    def __iter__(self) -> Iterator[PairBatch]:
        """Yield this rank's slices of the epoch's batches."""
        self.num_bad_samples = 0
        if self._pin_memory and self._upload is None:
            self._upload = CudaUpload(self._device)
        batches = self._from_workers() if self._num_workers else self._from_here()
        if self._upload is None:
            return batches
        if self._device is None:
            return (batch.pin() for batch in batches)
        return delivered(batches, self._upload)

    def close(self) -> None:
        """End the workers; a later iteration starts new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> "PairLoader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_at(self, first_pair: int) -> None:
        self._slices.check(len(self.dataset), first_pair)
        self._first_pair = first_pair

    def _own_slices(self) -> Iterator[NDArray[np.void]]:
        """Yield the records of this rank's slice of each batch."""
        return self._slices.cut(self.dataset.records[self._first_pair :])

    def _from_here(self) -> Iterator[PairBatch]:
        with self._prefetch() as ahead:
            for records in self._own_slices():
                ahead.reach(records)
                ahead.wait_for(records)
                arrays = empty_arrays(records.size)
                read = partial(read_held, held_crops(ahead, records)) if self._streams else None
                failures = self.dataset.make(records, out=arrays, read=read)
                yield self._finished(arrays, records, failures)

    def _from_workers(self) -> Iterator[PairBatch]:
        pool = self._started_pool()
        pool.drain()  # of an iteration that was left early
        slices = deque(self._own_slices())
        submitted: deque[tuple[int, NDArray[np.void]]] = deque()
        with self._prefetch() as ahead:
            try:
                while slices or submitted:
                    # shards on their way must not hold up batches that are made already
                    while slices and pool.num_free and (not submitted or ahead.is_ready(slices[0])):
                        records = slices.popleft()
                        ahead.wait_for(records)
                        crops = held_crops(ahead, records) if self._streams else None
                        slot = pool.submit(records, epoch=self.dataset.epoch, crops=crops)
                        submitted.append((slot, records))
                    slot, records = submitted.popleft()
                    failures = pool.wait_for(slot)
                    if submitted or slices:
                        ahead.reach(submitted[0][1] if submitted else slices[0])
                    yield self._finished(pool.slots.hold(slot), records, failures)
            except KeyboardInterrupt:
                self.close()  # it may have come in the middle of a message
                raise

    @contextmanager
    def _prefetch(self) -> Iterator[Prefetch]:
        """Yield the fetching of shards ahead of use, for this rank's pairs of the epoch."""
        windows = self.dataset.windows
        slices = [] if windows is None else list(self._own_slices())
        records = np.concatenate(slices) if slices else self.dataset.records[:0]
        ahead = Prefetch(
            self.dataset.open_store(records),
            self.dataset.shards,
            records,
            windows,
            threads=self.dataset.cache_settings.threads,
        )
        try:
            yield ahead
        finally:
            ahead.close()
            self.waited_s = ahead.waited_s

    def _started_pool(self) -> WorkerPool:
        if self._pool is None or not self._pool.close.alive:
            self._pool = WorkerPool(
                self._num_workers,
                pairs_per_slot=-(-self._slices.batch_size // self._slices.world_size),
                maker=self.dataset.maker,
                paths=self.dataset.paths,
                keep_open=not self.dataset.is_remote,
                device=self._upload,
            )
        return self._pool

    def _finished(
        self, arrays: BatchArrays, records: NDArray[np.void], failures: Sequence[Failure]
    ) -> PairBatch:
        """Replace the pairs that could not be made, if that is allowed."""
        if failures:
            records = records.copy()
        for failure in failures:
            self._replace(arrays, records, failure)
        return to_batch(arrays, records, self.dataset.name_pair)

    def _replace(self, arrays: BatchArrays, records: NDArray[np.void], failure: Failure) -> None:
        """Put the next pair of the epoch that can be made in a bad one's place."""
        chosen = slice(failure.number, failure.number + 1)
        out, record = arrays.part(chosen), records[chosen]
        remaining = [failure]
        while remaining:
            pair = int(record["pair"][0])
            self._count_bad(self.dataset.bad_sample(pair, remaining[0]))
            record[0] = self.dataset.records[(pair + 1) % len(self.dataset)]
            remaining = self.dataset.make(record, out=out)

    def _count_bad(self, error: ManifestError) -> None:
        self.num_bad_samples += 1
        if self.num_bad_samples > self._max_bad_samples:
            counted = f" ({self.num_bad_samples} in this epoch)" if self._max_bad_samples else ""
            raise ManifestError(
                f"{error}{counted}. Restore the shard, or allow and count bad samples with "
                "max_bad_samples"
            ) from error
        logger.warning(
            "bad sample %d of at most %d: %s", self.num_bad_samples, self._max_bad_samples, error
        )
