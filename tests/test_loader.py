"""PairLoader: the same global batches for any processes and workers, from any pair on."""

import gc
import os
import signal
from pathlib import Path

import pytest
import torch

from bench.crops import MadeTrack, write_crops
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch
from sampling.loader import PairLoader
from sampling.plan import PairSettings

PAIRS = PairSettings(pairs_per_epoch=26, negative_ratio=0.3, max_gap=3)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    tracks = [
        MadeTrack(name=f"t{i}", video=f"v{i // 2}", frames=range(0, 8, 1 + i % 3)) for i in range(6)
    ]
    tracks += [MadeTrack(name="held", video="held", frames=range(3), split="val")]
    folder = tmp_path_factory.mktemp("crops")
    return read_manifest(write_crops(folder, tracks, tracks_per_shard=3, margin=4))


def loader(
    manifest: Manifest,
    *,
    pairs: PairSettings = PAIRS,
    split: str = "train",
    batch_size: int = 8,
    epoch: int = 3,
    first_pair: int = 0,
    rank: int = 0,
    world_size: int = 1,
    num_workers: int = 0,
    max_bad_samples: int = 0,
) -> PairLoader:
    return PairLoader(
        [manifest],
        pairs=pairs,
        augment=AugmentSettings(),
        split=split,
        batch_size=batch_size,
        seed=7,
        epoch=epoch,
        first_pair=first_pair,
        rank=rank,
        world_size=world_size,
        num_workers=num_workers,
        max_bad_samples=max_bad_samples,
    )


def assert_equal(found: PairBatch, expected: PairBatch) -> None:
    for name in ("template", "search", "boxes_xyxy", "positive", "pair_index"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name


def joined(parts: list[PairBatch]) -> PairBatch:
    names = ("template", "search", "boxes_xyxy", "positive", "pair_index")
    tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return PairBatch(**tensors, name_pair=parts[0].name_pair)


@pytest.mark.parametrize("num_workers", [0, 1, 2])
@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_global_batches_do_not_depend_on_processes_and_workers(
    manifest: Manifest, world_size: int, num_workers: int
) -> None:
    pairs = PairSettings(pairs_per_epoch=24, negative_ratio=0.3, max_gap=3)
    expected = list(loader(manifest, pairs=pairs))
    ranks = []
    for rank in range(world_size):
        with loader(
            manifest, pairs=pairs, rank=rank, world_size=world_size, num_workers=num_workers
        ) as own:
            ranks.append(list(own))
    found = [joined(list(parts)) for parts in zip(*ranks, strict=True)]
    assert len(found) == len(expected) == 3
    for batch, other in zip(found, expected, strict=True):
        assert_equal(batch, other)


@pytest.mark.parametrize("first_pair", [0, 8, 13, 25, 26])
def test_an_epoch_can_start_at_any_pair(manifest: Manifest, first_pair: int) -> None:
    whole = joined(list(loader(manifest)))
    rest = list(loader(manifest, first_pair=first_pair))
    assert len(rest) == len(loader(manifest, first_pair=first_pair))
    assert sum(len(batch.search) for batch in rest) == 26 - first_pair
    if rest:
        found = joined(rest)
        assert torch.equal(found.search, whole.search[first_pair:])
        assert torch.equal(found.pair_index, whole.pair_index[first_pair:])
