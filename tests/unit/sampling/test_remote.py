"""Remote shards: retries, windows, and that nothing else changes."""

import dataclasses
import logging
import socket
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest

from commands.retry import RetrySettings
from manifests.table import read_manifest
from sampling.pair_index import list_shards
from sampling.remote.cache import ShardCache
from sampling.remote.reader import RemoteReader
from sampling.remote.windows import draw_windows
from sampling.track_table import track_table
from tests.support.servers import process
from tests.support.stores import QUICK, cache_settings, faulty, loader


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
                ShardCache(settings, reader).fetch(bad).close()
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
            cache.fetch(broken)
    assert broken.url in str(caught.value)
    assert list(tmp_path.glob("*.tar*")) == []


def test_pauses_grow_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("sampling.remote.reader.time.sleep", pauses.append)
    reader = RemoteReader(RetrySettings(attempts=6, first_pause_s=1.0, longest_pause_s=5.0))
    with pytest.raises(OSError, match="6 reads failed"):
        list(reader.pieces("http://127.0.0.1:9/none.tar", 10))
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


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
