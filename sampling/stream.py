"""Stream access: pairs out of whole shards as they pass, without a local disk.

    stream = PairStream([manifest], pairs=PairSettings(), augment=AugmentSettings(),
                        batch_size=32, seed=0, rank=rank, world_size=world_size)
    for batch in DataLoader(
        stream, batch_size=None, num_workers=2, multiprocessing_context="spawn"
    ):
        ...

Each reader, that is each worker of each rank, has shards of its own and draws its share of the
epoch's pairs from them before it opens one, so it knows what to keep of what passes. The sequence
follows from seed, epoch, number of ranks and number of workers. Indexed access, which `PairLoader`
has, mixes better and is faster; this is for stores that cannot be cached.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from tarfile import TarError
from typing import Any

import numpy as np
import webdataset
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info
from webdataset.tariterators import tar_file_expander

from manifests.schema import ManifestError
from manifests.table import Manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch, empty_arrays, to_batch
from sampling.dataset import name_pair
from sampling.fetch import check_crop
from sampling.own_process import OwnProcess
from sampling.pairs import BatchArrays, Failure, PairMaker
from sampling.passing import PassedPair, Wanted, complete_pairs, mixed
from sampling.plan import PairSettings, Plan, make_plan
from sampling.records import Shard, list_shards, pair_records, sample_name, used_shards
from sampling.remote import PieceFile, RemoteReader, RetrySettings, is_remote
from sampling.rng import plan_rng
from sampling.shared_epoch import SharedEpoch
from sampling.tracks import select_tracks, track_table
from sampling.windows import draw_windows

logger = logging.getLogger(__name__)

_SHARDS_PER_WINDOW = 4
"""Shards between which negative pairs are drawn: the crops of one wait for those of another."""


class PairStream(IterableDataset[PairBatch]):
    """Batches of pairs from shards that are read once, from start to end.

    Args:
        manifests: Where the crops are.
        pairs: What pairs to draw; each reader draws its share of ``pairs_per_epoch``.
        augment: How to vary them.
        split: ``"train"`` or ``"val"``.
        batch_size: Pairs of a global batch, over all ranks; what is left over is not used.
        seed: Seed of the run.
        epoch: Number of the epoch.
        rank: Number of this process.
        world_size: Number of processes.
        max_bad_samples: How many crops an epoch may fail to read, in each reader.
        retries: How failed reads of a remote store are tried again.

    Raises:
        ManifestError: No row is in the split.
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
        rank: int = 0,
        world_size: int = 1,
        max_bad_samples: int = 0,
        retries: RetrySettings | None = None,
    ) -> None:
        self._epoch = SharedEpoch(epoch)
        self.manifests = tuple(manifests)
        self._process = OwnProcess()
        self.shards = list_shards(manifests)
        stored_px = [(shard.template_px, shard.search_px) for shard in self.shards]
        self._maker = PairMaker(stored_px=stored_px, augment=augment, seed=seed)
        self._pairs = pairs
        self._batch_size = batch_size // world_size
        self._seed, self._rank, self._world_size = seed, rank, world_size
        self._max_bad_samples = max_bad_samples
        self._retries = retries or RetrySettings()
        self._tracks = track_table(manifests, split=split)

    def set_epoch(self, epoch: int) -> None:
        """Go to another epoch, here and in the workers of a DataLoader."""
        self._epoch.set(epoch)

    def __iter__(self) -> Iterator[PairBatch]:
        """Yield the batches of this reader.

        Raises:
            RuntimeError: The process was forked; a DataLoader's workers are to be spawned.
        """
        self._process.check()
        epoch = self._epoch.get()
        info = get_worker_info()
        worker, num_workers = (info.id, info.num_workers) if info else (0, 1)
        reader = self._rank * num_workers + worker
        plan, windows = self._plan_of(epoch, reader, self._world_size * num_workers)
        records = pair_records(self.manifests, plan)
        wanted = self._wanted_crops(plan)
        in_order = sorted(used_shards(records), key=lambda number: (windows[number], number))
        names = {name for _, name in wanted}
        pipeline = webdataset.DataPipeline(
            partial(iter, [self.shards[number] for number in in_order]),
            self._opened,
            partial(tar_file_expander, select_files=names.__contains__, handler=_raise_plainly),
            partial(complete_pairs, wanted=wanted),
            partial(mixed, rng=plan_rng(self._seed, _number(epoch, reader))),
            partial(
                self._batches,
                epoch=epoch,
                plan=plan,
                records=records,
                first_pair=reader * records.size,
            ),
        )
        yield from pipeline

    def _plan_of(self, epoch: int, reader: int, num_readers: int) -> tuple[Plan, NDArray[np.int64]]:
        """Return a reader's pairs, ordered by window, and the window of each shard."""
        windows = draw_windows(
            self._tracks,
            np.ones(len(self.shards), np.int64),
            window_bytes=_SHARDS_PER_WINDOW,
            seed=self._seed,
            epoch=epoch,
        )
        of_track = windows[self._tracks.shards[:, 0]]
        own = of_track % num_readers == reader
        if not own.any():
            raise ValueError(
                f"{of_track.max() + 1} windows of {_SHARDS_PER_WINDOW} shards are too few for "
                f"{num_readers} readers. Use fewer workers, or build smaller shards"
            )
        share = replace(self._pairs, pairs_per_epoch=self._pairs.pairs_per_epoch // num_readers)
        plan = make_plan(
            select_tracks(self._tracks, own),
            share,
            seed=self._seed,
            epoch=_number(epoch, reader),
            transplant=self._maker.augment.transplant_share,
            windows=of_track[own],
        )
        return plan, windows

    def _wanted_crops(self, plan: Plan) -> Wanted:
        wanted: Wanted = {}
        for role, letter in (("template", "z"), ("search", "x"), ("background", "x")):
            rows = plan.rows_of(role)
            for place in np.flatnonzero(rows >= 0).tolist():
                url, _, key = sample_name(self.manifests, int(rows[place])).rpartition(": ")
                wanted.setdefault((url, f"{key}.{letter}.jpg"), []).append((place, role))
        return wanted

    def _opened(self, shards: Iterable[Shard]) -> Iterator[dict[str, Any]]:
        reader = RemoteReader(self._retries)
        for shard in shards:
            if is_remote(shard.url):
                pieces = reader.pieces(shard.url, shard.num_bytes)
                yield {"url": shard.url, "stream": PieceFile(pieces)}
            else:
                with Path(shard.url.removeprefix("file://")).open("rb") as file:
                    yield {"url": shard.url, "stream": file}

    def _batches(
        self,
        pairs: Iterable[PassedPair],
        *,
        epoch: int,
        plan: Plan,
        records: NDArray[np.void],
        first_pair: int,
    ) -> Iterator[PairBatch]:
        num_bad = 0
        name = partial(name_pair, self.manifests, plan)
        pairs = iter(pairs)
        while len(batch := list(islice(pairs, self._batch_size))) == self._batch_size:
            places = [place for place, _ in batch]
            chosen = records[places]
            crops = {}
            for record, (_, jpegs) in zip(chosen, batch, strict=True):
                for role, data in jpegs.items():
                    crops[int(record[role]["shard"]), int(record[role]["offset"])] = data
            chosen["pair"] += first_pair
            arrays = empty_arrays(len(batch))
            failures = self._maker.make(chosen, partial(_read, crops), epoch=epoch, out=arrays)
            for failure in failures:
                num_bad += 1
                self._count_bad(num_bad, name(places[failure.place]), failure)
            _stand_in(arrays, chosen, [failure.place for failure in failures])
            names = {first_pair + place: name(place) for place in places}
            yield to_batch(arrays, chosen, names.__getitem__)

    def _count_bad(self, number: int, name: str, failure: Failure) -> None:
        message = f"{failure.role} of {name}: {failure.message}"
        if number > self._max_bad_samples:
            raise ManifestError(
                f"{message}. Restore the shard, or allow and count bad samples with max_bad_samples"
            )
        logger.warning("bad sample %d of at most %d: %s", number, self._max_bad_samples, message)


def _number(epoch: int, reader: int) -> int:
    """Return a number for the draws of one reader in one epoch, which no other has."""
    return reader << 32 | epoch


def _read(
    crops: dict[tuple[int, int], bytes], shard: int, offset: int, num_bytes: int, crc32: int
) -> bytes:
    data = crops[shard, offset]
    check_crop(data, num_bytes=num_bytes, crc32=crc32)
    return data


def _stand_in(arrays: BatchArrays, records: NDArray[np.void], bad: Sequence[int]) -> None:
    """Put a good pair of the batch in the place of each bad one."""
    good = sorted(set(range(records.size)) - set(bad))
    if bad and not good:
        raise ManifestError(f"all {records.size} pairs of a batch are bad. Copy the shards again")
    for place in bad:
        for array in (*arrays, records):
            array[place] = array[good[0]]


def _raise_plainly(error: Exception) -> bool:
    """Raise an error of reading without what webdataset added to its arguments."""
    message = str(error.args[0]).partition(" @ ")[0]
    if isinstance(error, TarError):
        raise ManifestError(f"{message}; the shard is cut off. Copy it again") from None
    raise type(error)(message) from None
