"""The loaders that are measured: ours in each way to the crops, and those of other libraries."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bench.pairs.bucket import served
from bench.pairs.other_loaders import other_loaders
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.dataset import Access
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.remote.cache import CacheSettings

AUGMENTS = {"none": AugmentSettings(enabled=False), "all": AugmentSettings()}
STREAM_WORKERS = 2

Epoch = Callable[[], Iterable[Any]]
"""Starts an epoch; every item is a batch."""


class Case(NamedTuple):
    """One line of the table."""

    loader: str
    augmentation: str
    workers: int


class Cases:
    """Everything to measure over one manifest.

    Args:
        manifest: A local one.
        scratch: Folder for copies.
        stack: Closes servers and loaders.
        pairs: Pairs of an epoch.
        batch_size: Pairs of a batch.
        device: The GPU that batches are delivered to; None leaves them where they are made.
    """

    def __init__(
        self,
        manifest: Manifest,
        scratch: Path,
        stack: ExitStack,
        *,
        pairs: int,
        batch_size: int,
        device: torch.device | None,
    ) -> None:
        self._manifest, self._scratch, self._stack = manifest, scratch, stack
        self._pairs, self._batch_size, self._device = pairs, batch_size, device

    def local(self, workers: Iterable[int]) -> dict[Case, Epoch]:
        """Return our loader and those of the libraries that are installed, on local crops."""
        cases = {
            Case("local", name, number): self._open(self._manifest, augment, number)
            for name, augment in AUGMENTS.items()
            for number in workers
        }
        others = other_loaders(
            Path(self._manifest.url).parent,
            self._scratch,
            batch_size=self._batch_size,
            workers=STREAM_WORKERS,
        )
        return cases | {
            Case(name, "none", STREAM_WORKERS): loader for name, loader in others.items()
        }

    def remote(self, workers: Iterable[int]) -> dict[Case, Epoch]:
        """Return our loader on the same crops in a bucket: from its cache, and streaming."""
        path = Path(self._manifest.url)
        bucket = self._stack.enter_context(served(path.parent))
        manifest = read_manifest(f"{bucket}/{path.name}")
        cases: dict[Case, Epoch] = {}
        for name, augment in AUGMENTS.items():
            for number in workers:
                cases[Case("cached", name, number)] = self._open(manifest, augment, number)
            stream = self._open(manifest, augment, STREAM_WORKERS, access="stream")
            cases[Case("streamed", name, STREAM_WORKERS)] = stream
        return cases

    def _open(
        self,
        manifest: Manifest,
        augment: AugmentSettings,
        workers: int,
        *,
        access: Access = "random",
    ) -> Epoch:
        loader = PairLoader(
            [manifest],
            pairs=PairSettings(pairs_per_epoch=self._pairs),
            augment=augment,
            batch_size=self._batch_size,
            seed=0,
            num_workers=workers,
            access=access,
            cache=CacheSettings(folder=str(self._scratch / "cache")),
            device=self._device,
        )
        self._stack.callback(loader.close)
        return loader.__iter__


def middle_rate(batches: Iterable[Any], num_ahead: int) -> float:
    """Return batches per second in an epoch's middle."""
    arrivals = [time.perf_counter() for _ in batches]
    first, last = num_ahead, len(arrivals) - 1 - num_ahead
    if last <= first:
        raise ManifestError(f"{len(arrivals)} batches are too few to measure. Raise --pairs")
    return (last - first) / (arrivals[last] - arrivals[first])
