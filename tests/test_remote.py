"""Remote shards: retries, the bounded cache, windows, and that nothing else changes."""

import dataclasses
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import fsspec
import numpy as np
import pytest

from bench.crops import MadeTrack, write_crops
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.cache import CacheSettings, ShardCache
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.records import list_shards
from sampling.remote import RemoteReader, RetrySettings
from sampling.tracks import track_table
from sampling.windows import draw_windows

ROOT = Path(__file__).resolve().parents[1]
QUICK = RetrySettings(attempts=5, first_pause_s=0.01, stall_s=1.0)


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(8)) for i in range(16)]
    folder = tmp_path_factory.mktemp("remote")
    write_crops(folder, tracks, tracks_per_shard=2)
    return folder


@contextmanager
def process(*command: str, speaks: bool = True) -> Iterator[str]:
    """Run a server as a process of its own and yield the first line that it prints, if it does."""
    with subprocess.Popen(
        [sys.executable, "-u", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip() if speaks else ""
        finally:
            server.kill()


@pytest.fixture(scope="module")
def web(crops: Path) -> Iterator[str]:
    """The crops' folder behind Python's plain web server, which ignores byte ranges."""
    with process("-m", "http.server", "0", "-b", "127.0.0.1", "-d", str(crops)) as line:
        yield line.split("(")[1].split("/)")[0]


@contextmanager
def faulty(upstream: str, *options: str) -> Iterator[str]:
    with process("-m", "bench.store", "--upstream", upstream, *options) as url:
        yield url


def cache_settings(folder: Path, manifest: Manifest, *, shards: float = 4.0) -> CacheSettings:
    """Return a cache with room for so many shards."""
    largest = max(shard.num_bytes for shard in manifest.metadata.shards)
    return CacheSettings(
        folder=str(folder), limit_gb=shards * largest / 1e9, retries=QUICK, patience_s=20
    )


def loader(manifest: Manifest, cache: CacheSettings, *, num_workers: int = 0) -> PairLoader:
    return PairLoader(
        [manifest],
        pairs=PairSettings(pairs_per_epoch=64, negative_ratio=0.25),
        augment=AugmentSettings(),
        batch_size=6,
        seed=3,
        num_workers=num_workers,
        cache=cache,
    )


def cached_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.name != "lock")


@pytest.mark.parametrize("num_workers", [0, 2])
def test_remote_pairs_are_the_local_pairs_in_another_order(
    web: str, crops: Path, tmp_path: Path, num_workers: int
) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    settings = cache_settings(tmp_path / "cache", manifest)
    with loader(manifest, settings, num_workers=num_workers) as remote:
        windows = remote.dataset.windows
        assert windows is not None
        assert windows.max() >= 3
        batches = list(remote)
    assert sum(len(batch.search) for batch in batches) == 64
    # the same plan over the same bytes on a disk gives the same pixels
    on_disk = read_manifest(str(crops / "manifest.parquet"))
    local = loader(on_disk, settings)
    local.dataset.records = remote.dataset.records
    for found, expected in zip(batches, local, strict=True):
        assert (found.search == expected.search).all()
        assert (found.boxes_xyxy == expected.boxes_xyxy).all()


def test_each_shard_is_fetched_once_an_epoch(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    fetched: list[str] = []

    class Counting(RemoteReader):
        def pieces(self, url, num_bytes, *, stop=None):
            fetched.append(url)
            return super().pieces(url, num_bytes, stop=stop)

    remote = loader(manifest, cache_settings(tmp_path / "cache", manifest, shards=2.0))
    settings = remote.dataset.cache_settings
    remote.dataset.open_cache = lambda: ShardCache(settings, Counting(QUICK))  # type: ignore[method-assign]
    remote.dataset._read = remote.dataset._open_reader()
    list(remote)
    assert sorted(fetched) == sorted(shard.url for shard in remote.dataset.shards)


def test_the_cache_stays_within_its_limit_while_processes_share_it(
    web: str, tmp_path: Path
) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    settings = cache_settings(tmp_path / "cache", manifest, shards=2.5)
    shards = list_shards([manifest])
    program = f"""
import sys
from manifests.table import read_manifest
from sampling.cache import CacheSettings, ShardCache
from sampling.records import list_shards
from sampling.remote import RemoteReader, RetrySettings
import hashlib, random
cache = ShardCache(CacheSettings(folder={settings.folder!r}, limit_gb={settings.limit_gb!r}),
                   RemoteReader(RetrySettings()))
shards = list_shards([read_manifest({manifest.url!r}, check_shards=False)])
random.Random(int(sys.argv[1])).shuffle(shards)
for shard in shards * 2:
    with cache.acquire(shard) as file:
        assert hashlib.sha256(open(file, 'rb', closefd=False).read()).hexdigest() == shard.sha256
"""
    runs = [subprocess.Popen([sys.executable, "-c", program, str(i)], cwd=ROOT) for i in range(3)]
    largest = 0
    while any(run.poll() is None for run in runs):
        if Path(settings.folder).is_dir():
            try:
                largest = max(largest, cached_bytes(Path(settings.folder)))
            except FileNotFoundError:
                continue  # evicted while it was counted
        time.sleep(0.002)
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert 0 < largest <= settings.limit_bytes
    assert len(shards) == 8


def test_a_killed_filler_leaves_nothing_that_is_taken_for_whole(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    folder = tmp_path / "cache"
    settings = cache_settings(folder, manifest, shards=1.2)
    shards = list_shards([manifest])
    program = f"""
from sampling.cache import CacheSettings, ShardCache
from sampling.records import Shard
from sampling.remote import RemoteReader, RetrySettings
cache = ShardCache(CacheSettings(folder={str(folder)!r}, limit_gb={settings.limit_gb!r}),
                   RemoteReader(RetrySettings()))
cache.acquire({shards[0]!r})
"""
    with faulty(web, "--faults", "stall", "--every", "1") as slow:
        url = shards[0].url.replace(web, slow)
        program = program.replace(shards[0].url, url)
        run = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
        deadline = time.monotonic() + 20
        while not (parts := list(folder.glob("*.part"))) or not parts[0].stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert list(folder.glob("*.tar")) == []
    cache = ShardCache(settings, RemoteReader(QUICK))
    # there is room for one shard only: the dead part has to go
    with cache.acquire(shards[1]) as file:
        content = os.pread(file, shards[1].num_bytes, 0)
    assert hashlib.sha256(content).hexdigest() == shards[1].sha256
    assert list(folder.glob("*.part")) == []


def test_a_copy_in_use_is_never_evicted(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    cache = ShardCache(cache_settings(tmp_path, manifest, shards=1.5), RemoteReader(QUICK))
    first, second = list_shards([manifest])[:2]
    held = cache.acquire(first)
    got: list[str] = []
    waiting = Thread(target=lambda: got.append(cache.acquire(second).path))
    waiting.start()
    waiting.join(timeout=0.5)
    assert waiting.is_alive()
    assert Path(held.path).exists()
    held.close()
    waiting.join(timeout=10)
    assert got == [cache.path(second)]
    assert not Path(held.path).exists()


def test_a_cache_that_stays_full_is_reported(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    first, second = list_shards([manifest])[:2]
    limit_gb = cache_settings(tmp_path, manifest, shards=1.5).limit_gb
    settings = CacheSettings(folder=str(tmp_path), limit_gb=limit_gb, patience_s=0.2)
    cache = ShardCache(settings, RemoteReader(QUICK))
    with cache.acquire(first), pytest.raises(OSError, match=r"no room for .*Enlarge the cache"):
        cache.acquire(second)
    small = ShardCache(CacheSettings(folder=str(tmp_path), limit_gb=1e-6), RemoteReader(QUICK))
    with pytest.raises(OSError, match="do not fit into a cache of 1000 bytes"):
        small.acquire(second)


@pytest.mark.parametrize("fault", ["500", "503", "reset", "truncate", "stall"])
def test_a_failed_read_is_tried_again_and_counted(
    web: str, tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    shard = list_shards([manifest])[0]
    settings = cache_settings(tmp_path, manifest)
    with faulty(web, "--faults", fault, "--every", "2", "--stall-s", "3") as url:
        reader = RemoteReader(QUICK)
        bad = dataclasses.replace(shard, url=shard.url.replace(web, url))
        with caplog.at_level(logging.WARNING):
            for _ in range(4):
                Path(ShardCache(settings, reader).path(bad)).unlink(missing_ok=True)
                ShardCache(settings, reader).acquire(bad).close()
    assert reader.num_retries >= 2
    assert len(caplog.records) == reader.num_retries
    assert f"{bad.url}: read 1 failed" in caplog.messages[0]


def test_a_store_that_stays_broken_ends_in_one_line(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    shard = list_shards([manifest])[0]
    with faulty(web, "--faults", "503", "--every", "1") as url:
        broken = dataclasses.replace(shard, url=shard.url.replace(web, url))
        cache = ShardCache(cache_settings(tmp_path, manifest), RemoteReader(QUICK))
        with pytest.raises(OSError, match="5 reads failed, the last with: 503") as caught:
            cache.acquire(broken)
    assert broken.url in str(caught.value)
    assert list(tmp_path.glob("*.tar*")) == []


def test_pauses_grow_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("sampling.remote.time.sleep", pauses.append)
    reader = RemoteReader(RetrySettings(attempts=6, first_pause_s=1.0, longest_pause_s=5.0))
    with pytest.raises(OSError, match="6 reads failed"):
        list(reader.pieces("http://127.0.0.1:9/none.tar", 10))
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_replaced_shard_is_noticed(web: str, crops: Path, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    shards = list_shards([manifest])
    cache = ShardCache(cache_settings(tmp_path, manifest), RemoteReader(QUICK))
    with pytest.raises(ManifestError, match="bytes, expected 5; the shard was replaced"):
        cache.acquire(dataclasses.replace(shards[0], num_bytes=5))
    with pytest.raises(ManifestError, match=r"sha256 .* the shard was replaced"):
        cache.acquire(dataclasses.replace(shards[0], sha256="0" * 64))
    with pytest.raises(ManifestError, match="no such shard"):
        cache.acquire(dataclasses.replace(shards[0], url=f"{web}/gone.tar"))
    assert list(tmp_path.glob("*.tar*")) == []


def test_pairs_wait_for_the_first_window_only(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    with faulty(web, "--latency-ms", "50", "--mb-per-s", "20") as slow:
        there = dataclasses.replace(manifest, url=manifest.url.replace(web, slow))
        with loader(there, cache_settings(tmp_path, manifest, shards=4.0)) as remote:
            for _ in remote:
                time.sleep(0.25)  # a training step: a window has about 16 pairs, or 3 batches
            assert remote.dataset.windows is not None
            assert remote.dataset.windows.max() >= 3
            assert remote.waited_s < 0.1


@pytest.mark.s3
def test_a_bucket_behind_an_unreliable_line_gives_the_same_pairs(
    crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("s3fs")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"http://127.0.0.1:{port}"
    with (
        process("-m", "moto.server", "-p", str(port), speaks=False),
        faulty(bucket, "--faults", "503", "truncate", "--every", "5") as proxy,
    ):
        _wait_until_up(port)
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket)
        store = fsspec.filesystem("s3", skip_instance_cache=True)
        store.mkdir("crops")
        store.put(f"{crops}/", "crops/", recursive=True)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy)
        manifest = read_manifest("s3://crops/manifest.parquet")
        with loader(manifest, cache_settings(tmp_path, manifest)) as remote:
            pairs = [pair for batch in remote for pair in batch.pair_index.tolist()]
    assert pairs == list(range(64))


def _wait_until_up(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def test_shards_that_a_track_joins_share_a_window(crops: Path) -> None:
    manifest = read_manifest(str(crops / "manifest.parquet"))
    table = track_table([manifest], split="train")
    table.shards[5] = (2, 4)
    size = np.full(8, 100)
    windows = draw_windows(table, size, window_bytes=300, seed=0, epoch=0)
    assert windows[2] == windows[3] == windows[4]
    assert np.bincount(windows).max() <= 3
    assert set(windows) == set(range(windows.max() + 1))
    others = [draw_windows(table, size, window_bytes=300, seed=0, epoch=e) for e in range(1, 9)]
    assert len({tuple(other) for other in others}) > 2
    with pytest.raises(ValueError, match="Enlarge the cache"):
        draw_windows(table, size, window_bytes=200, seed=0, epoch=0)
