"""PairLoader: damaged crops, lost workers, and nothing left behind."""

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.plan import PairSettings
from tests.support import ROOT
from tests.support.crops import MadeTrack, write_crops
from tests.support.loaders import joined, loader, small_manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return small_manifest(tmp_path_factory.mktemp("crops"))


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
    root = ROOT
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
