"""Stores of remote shards for tests: servers as processes, faults on the way, and caches."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.retry import RetrySettings
from datasets.files import open_root
from datasets.read_crop import read_jpeg
from datasets.verify import main as verify
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.remote.cache import CacheSettings
from tests.support.servers import process

QUICK = RetrySettings(attempts=5, first_pause_s=0.01, stall_s=1.0)


@contextmanager
def faulty(upstream: str, *options: str) -> Iterator[str]:
    """Yield the URL of a store that is as slow and unreliable as the options say."""
    with process("-m", "bench.store", "--upstream", upstream, *options) as url:
        yield url


def cache_settings(folder: Path, manifest: Manifest, *, shards: float = 4.0) -> CacheSettings:
    """Return a cache with room for so many shards."""
    largest = max(shard.num_bytes for shard in manifest.metadata.shards)
    return CacheSettings(
        folder=str(folder), limit_gb=shards * largest / 1e9, retries=QUICK, patience_s=20
    )


def loader(
    manifest: Manifest, cache: CacheSettings, *, num_workers: int = 0, others: float = 0.25
) -> PairLoader:
    """Return a loader of 64 pairs in batches of 6.

    Args:
        manifest: Where the crops are.
        cache: Where copies go.
        num_workers: Processes of the loader.
        others: Share of pairs of two groups: negative ones, and targets moved before another group.
    """
    return PairLoader(
        [manifest],
        pairs=PairSettings(pairs_per_epoch=64, negative_ratio=others),
        augment=AugmentSettings(transplant=others),
        batch_size=6,
        seed=3,
        num_workers=num_workers,
        cache=cache,
    )


def cached_bytes(folder: Path) -> int:
    """Return the size of all copies, whole and partial."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.name != "lock")


def read_everything(url: str, manifest_url: str, cache: Path) -> None:
    """Read a build at ``url`` in each way that there is."""
    manifest = read_manifest(manifest_url)
    row = manifest.rows.row(0, named=True)
    assert read_jpeg(manifest.url, row, "z").startswith(b"\xff\xd8")
    assert verify(["--manifests", manifest_url, "--deep"]) == 0
    settings = PairSettings(pairs_per_epoch=16)
    stream = PairLoader(
        [manifest],
        pairs=settings,
        augment=AugmentSettings(),
        batch_size=8,
        seed=0,
        access="stream",
    )
    assert len(list(stream)) == 2
    with loader(manifest, cache_settings(cache, manifest), others=0) as indexed:
        assert sum(len(batch.pair_index) for batch in indexed) == 64
    assert "manifest.parquet" in open_root(url).list("")
