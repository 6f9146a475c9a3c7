"""A small manifest and loaders of it, and what tests compare of their batches."""

from pathlib import Path

import torch

from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from tests.support.crops import MadeTrack, write_crops

PAIRS = PairSettings(pairs_per_epoch=26, negative_ratio=0.3, max_gap=3)


def small_manifest(folder: Path) -> Manifest:
    """Write six tracks for training and one for validation, and open their manifest."""
    tracks = [
        MadeTrack(name=f"t{i}", video=f"v{i // 2}", frames=range(0, 8, 1 + i % 3)) for i in range(6)
    ]
    tracks += [MadeTrack(name="held", video="held", frames=range(3), split="val")]
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
    """Return a loader of epoch 3 with all augmentation."""
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
    """Insist on the same pairs."""
    for name in ("template", "search", "boxes_xyxy", "positive", "pair_index"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name


def joined(parts: list[PairBatch]) -> PairBatch:
    """Return the batches as one."""
    names = ("template", "search", "boxes_xyxy", "positive", "pair_index")
    tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    return PairBatch(**tensors, name_pair=parts[0].name_pair)
