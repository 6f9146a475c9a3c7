"""PairLoader: the same global batches for any processes and workers, from any pair on."""

import itertools
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from manifests.table import Manifest
from sampling.augment import AugmentSettings
from sampling.dataset import PairDataset
from sampling.plan import PairSettings
from tests.support.loaders import PAIRS, assert_equal, joined, loader, small_manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return small_manifest(tmp_path_factory.mktemp("crops"))


QUICK_GRID = {(1, 1), (1, 2), (2, 0), (2, 1), (8, 0)}


@pytest.mark.parametrize(
    ("world_size", "num_workers"),
    [
        pytest.param(*grid, marks=() if grid in QUICK_GRID else pytest.mark.slow)
        for grid in itertools.product((1, 2, 4, 8), (0, 1, 2))
    ],
)
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


def test_val_pairs_are_the_same_in_every_epoch(manifest: Manifest) -> None:
    own = loader(manifest, split="val", pairs=PairSettings(pairs_per_epoch=10))
    first = joined(list(own))
    own.set_epoch(9)
    assert_equal(joined(list(own)), first)


def test_another_epoch_has_other_pairs_and_the_workers_stay(manifest: Manifest) -> None:
    with loader(manifest, num_workers=1) as own:
        third = joined(list(own))
        own.set_epoch(4)
        fourth = joined(list(own))
        own.set_epoch(3)
        assert_equal(joined(list(own)), third)
    assert not torch.equal(third.search, fourth.search)


def test_batches_that_are_kept_are_not_written_over(manifest: Manifest) -> None:
    pairs = PairSettings(pairs_per_epoch=160)
    with loader(manifest, pairs=pairs, num_workers=2) as own:
        kept = list(own)
        copies = [batch.search.clone() for batch in kept]
        list(own)
    for batch, copy in zip(kept, copies, strict=True):
        assert torch.equal(batch.search, copy)
    assert torch.equal(joined(kept).search, joined(list(loader(manifest, pairs=pairs))).search)


def test_an_epoch_can_be_left_early(manifest: Manifest) -> None:
    with loader(manifest, num_workers=2) as own:
        first = next(iter(own))
        assert_equal(next(iter(own)), first)
        assert sum(len(batch.search) for batch in own) == 26


def test_keys_name_shard_and_sample_of_both_crops(manifest: Manifest) -> None:
    batch = next(iter(loader(manifest)))
    keys = batch.keys()
    assert len(keys) == 8
    template, search = keys[0].split(" -> ")
    for text in (template, search):
        shard, key = text.split(": ")
        assert Path(shard).exists()
        assert key.split("/")[0] in {f"t{i}" for i in range(6)}


def test_ranks_that_would_get_nothing_are_rejected(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="each rank needs at least one pair"):
        loader(manifest, world_size=9)
    with pytest.raises(ValueError, match="leave 2 for the last one, fewer than 4 ranks"):
        loader(manifest, world_size=4)
    with pytest.raises(ValueError, match="first_pair 27 lies outside an epoch of 26 pairs"):
        loader(manifest, first_pair=27)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_pytorchs_dataloader_gives_the_same_pairs(manifest: Manifest, num_workers: int) -> None:
    dataset = PairDataset([manifest], pairs=PAIRS, augment=AugmentSettings(), seed=7, epoch=3)
    stock = DataLoader(
        dataset,
        batch_size=8,
        num_workers=num_workers,
        multiprocessing_context="spawn" if num_workers else None,
    )
    for found, expected in zip(stock, loader(manifest), strict=True):
        for name, tensor in found.items():
            assert torch.equal(tensor, getattr(expected, name)), name


def test_pytorchs_workers_that_stay_follow_to_the_next_epoch(manifest: Manifest) -> None:
    dataset = PairDataset([manifest], pairs=PAIRS, augment=AugmentSettings(), seed=7)
    stock = DataLoader(
        dataset,
        batch_size=8,
        num_workers=1,
        multiprocessing_context="spawn",
        persistent_workers=True,
    )
    for epoch in (2, 0):
        dataset.set_epoch(epoch)
        for found, expected in zip(stock, loader(manifest, epoch=epoch), strict=True):
            assert torch.equal(found["search"], expected.search)
