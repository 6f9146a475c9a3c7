"""PairLoader: the same global batches for any processes and workers, from any pair on."""

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from bench.crops import MadeTrack, write_crops
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch
from sampling.dataset import PairDataset
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


@pytest.fixture
def damaged(tmp_path: Path) -> Manifest:
    """One track of three frames; a byte of the middle one's search JPEG is flipped."""
    url = write_crops(tmp_path, [MadeTrack(name="t", video="v", frames=range(3))])
    manifest = read_manifest(url)
    offset, num_bytes = manifest.rows.select("x_offset", "x_bytes").row(1)
    shard = tmp_path / "lasot-000000.tar"
    content = bytearray(shard.read_bytes())
    content[offset + num_bytes // 2] ^= 0x10
    shard.write_bytes(content)
    return manifest


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_flipped_byte_is_named_by_shard_and_key(damaged: Manifest, num_workers: int) -> None:
    with (
        loader(damaged, pairs=PairSettings(pairs_per_epoch=20), num_workers=num_workers) as own,
        pytest.raises(ManifestError, match=r"lasot-000000.tar: t/00000001.x.jpg: crc32 .*changed"),
    ):
        list(own)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_bad_samples_are_counted_logged_and_replaced(
    damaged: Manifest, num_workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = PairSettings(pairs_per_epoch=40)
    with loader(damaged, pairs=pairs, num_workers=num_workers, max_bad_samples=40) as own:
        batches = joined(list(own))
        count = own.num_bad_samples
        assert count == len(caplog.records) > 0
        assert "bad sample 1 of at most 40" in caplog.messages[0]
        list(own)
        assert own.num_bad_samples == count  # counted by epoch
    bad = own.dataset.plan.search_rows == 1
    assert len(batches.search) == 40
    for place, pair in enumerate(batches.pair_index.tolist()):
        assert not bad[pair]
        assert pair == place or bad[place]
    limited = loader(damaged, pairs=pairs, num_workers=num_workers, max_bad_samples=count - 1)
    with limited, pytest.raises(ManifestError, match=rf"crc32 .* \({count} in this epoch\)"):
        list(limited)


def test_a_shard_that_is_gone_is_named(damaged: Manifest) -> None:
    Path(damaged.url).with_name("lasot-000000.tar").unlink()
    with pytest.raises(ManifestError, match=r"lasot-000000.tar: t/0000000\d.z.jpg: .*No such file"):
        next(iter(loader(damaged, pairs=PairSettings(pairs_per_epoch=20))))


def test_a_killed_worker_is_reported_with_what_it_did(manifest: Manifest) -> None:
    with loader(manifest, num_workers=1) as own:
        batches = iter(own)
        next(batches)
        assert own._pool is not None
        own._pool._processes[0].kill()
        with pytest.raises(RuntimeError, match=r"worker 0 .* ended with code -9"):
            list(batches)
        assert sum(len(batch.search) for batch in own) == 26  # a new one takes its place


def open_things() -> tuple[int, int, int]:
    """Return the number of open files, threads and child processes."""
    gc.collect()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(children)  # noqa: PTH208


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts what Linux' /proc shows")
@pytest.mark.parametrize("times", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_nothing_is_left_after_many_starts(manifest: Manifest, times: int) -> None:
    def start(kind: int) -> None:
        own = loader(manifest, num_workers=1)
        batches = iter(own)
        next(batches)
        if kind % 3 == 0:
            own.close()
        elif kind % 3 == 1:
            with pytest.raises(ZeroDivisionError), own:
                1 / 0  # noqa: B018
        # else: dropped without a word

    start(0)
    before = open_things()
    for kind in range(times):
        start(kind)
    assert open_things() == before


def test_ctrl_c_ends_the_run_and_its_workers_at_once(manifest: Manifest, tmp_path: Path) -> None:
    program = f"""
import itertools, sys
from manifests.table import read_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
loader = PairLoader([read_manifest({manifest.url!r})], pairs=PairSettings(pairs_per_epoch=64),
                    augment=AugmentSettings(), batch_size=8, seed=0, num_workers=2)
for epoch in itertools.count():
    for batch in loader:
        if epoch == 0:
            print(*(process.pid for process in loader._pool._processes), flush=True)
"""
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        workers = run.stdout.readline().split()
        assert len(workers) == 2
        run.send_signal(signal.SIGINT)
        errors = run.communicate(timeout=20)[1]
    assert run.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1
    assert not [pid for pid in workers if Path("/proc", pid).exists()]


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
