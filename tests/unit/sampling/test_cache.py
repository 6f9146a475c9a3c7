"""The cache of remote shards: bounded, shared by processes, and only whole copies are taken."""

import dataclasses
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from manifests.schema import ManifestError
from manifests.table import read_manifest
from sampling.pair_index import list_shards
from sampling.remote.cache import CacheSettings, Lease, ShardCache
from sampling.remote.reader import RemoteReader
from tests.support import ROOT
from tests.support.stores import QUICK, cache_settings, cached_bytes, faulty


def test_the_cache_stays_within_its_limit_while_processes_share_it(
    web: str, tmp_path: Path
) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    settings = cache_settings(tmp_path / "cache", manifest, shards=2.5)
    shards = list_shards([manifest])
    program = f"""
import sys
from manifests.table import read_manifest
from sampling.remote.cache import CacheSettings, Lease, ShardCache
from sampling.pair_index import list_shards
from commands.retry import RetrySettings
from sampling.remote.reader import RemoteReader
import hashlib, random
cache = ShardCache(CacheSettings(folder={settings.folder!r}, limit_gb={settings.limit_gb!r}),
                   RemoteReader(RetrySettings()))
shards = list_shards([read_manifest({manifest.url!r}, check_shards=False)])
random.Random(int(sys.argv[1])).shuffle(shards)
for shard in shards * 2:
    with cache.fetch(shard) as file:
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
from sampling.remote.cache import CacheSettings, Lease, ShardCache
from sampling.pair_index import Shard
from commands.retry import RetrySettings
from sampling.remote.reader import RemoteReader
cache = ShardCache(CacheSettings(folder={str(folder)!r}, limit_gb={settings.limit_gb!r}),
                   RemoteReader(RetrySettings()))
cache.fetch({shards[0]!r})
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
    with cache.fetch(shards[1]) as file:
        content = os.pread(file, shards[1].num_bytes, 0)
    assert hashlib.sha256(content).hexdigest() == shards[1].sha256
    assert list(folder.glob("*.part")) == []


def test_a_copy_in_use_is_never_evicted(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    cache = ShardCache(cache_settings(tmp_path, manifest, shards=1.5), RemoteReader(QUICK))
    first, second = list_shards([manifest])[:2]
    held = cache.fetch(first)
    got: list[str] = []
    waiting = Thread(target=lambda: got.append(cache.fetch(second).path))
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
    with cache.fetch(first), pytest.raises(OSError, match=r"no room for .*Enlarge the cache"):
        cache.fetch(second)
    small = ShardCache(CacheSettings(folder=str(tmp_path), limit_gb=1e-6), RemoteReader(QUICK))
    with pytest.raises(OSError, match="do not fit into a cache of 1000 bytes"):
        small.fetch(second)


def test_a_replaced_shard_is_noticed(web: str, crops: Path, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    shards = list_shards([manifest])
    cache = ShardCache(cache_settings(tmp_path, manifest), RemoteReader(QUICK))
    with pytest.raises(ManifestError, match="bytes, expected 5; the shard was replaced"):
        cache.fetch(dataclasses.replace(shards[0], num_bytes=5))
    with pytest.raises(ManifestError, match=r"sha256 .* the shard was replaced"):
        cache.fetch(dataclasses.replace(shards[0], sha256="0" * 64))
    with pytest.raises(ManifestError, match="no such shard"):
        cache.fetch(dataclasses.replace(shards[0], url=f"{web}/gone.tar"))
    assert list(tmp_path.glob("*.tar*")) == []


def test_a_copy_is_shared_while_its_filler_still_uses_it(web: str, tmp_path: Path) -> None:
    manifest = read_manifest(f"{web}/manifest.parquet", check_shards=False)
    shard = list_shards([manifest])[0]
    cache = ShardCache(CacheSettings(folder=str(tmp_path / "cache")), RemoteReader(QUICK))
    (tmp_path / "cache").mkdir()
    part = Path(f"{cache.path(shard)}.part")
    file = os.open(part, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX)  # as another process does that fetches it
    leases: list[Lease] = []
    waiting = Thread(target=lambda: leases.append(cache.fetch(shard)), daemon=True)
    waiting.start()
    time.sleep(0.3)
    assert not leases
    part.rename(cache.path(shard))
    fcntl.flock(file, fcntl.LOCK_SH)  # it is done and uses the copy, for as long as it runs
    waiting.join(timeout=10)
    cache.close()
    assert len(leases) == 1
    leases[0].close()
    os.close(file)
