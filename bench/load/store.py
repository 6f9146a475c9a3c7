"""Thousands of shards in a bucket, read by many processes at once: the pairs of a local copy."""

import hashlib
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import polars as pl

from bench.findings import Row, Target
from bench.load.processes import sample
from bench.pairs.bucket import served
from manifests.table import Manifest, read_manifest, write_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.remote.cache import CacheSettings
from tests.support.crops import MadeTrack, write_crops

_MOST_MB = 2000.0


def measure_store(folder: Path, *, shards: int, readers: int) -> tuple[list[Row], list[Target]]:
    """Return the figures of one epoch with as many pairs as there are shards."""
    url = _write(folder / "shards", shards)
    expected, _ = _read(read_manifest(url), shards, 0, None)
    with served(folder / "shards") as bucket:
        manifest = read_manifest(f"{bucket}/manifest.parquet")
        cache = CacheSettings(folder=str(folder / "cache"))
        started = time.monotonic()
        found, memory_mb = _read(manifest, shards, readers, cache)
        seconds = time.monotonic() - started
    wrong = sum(a != b for a, b in zip(expected, found, strict=True))
    row: Row = {
        **{"shards": shards, "readers": readers, "pairs": shards, "s": seconds},
        **{"pairs_per_s": shards / seconds, "peak_mb": memory_mb, "wrong_batches": wrong},
    }
    return [row], [
        Target(name="other batches", value=float(wrong), unit="", target=0.0, at_most=True),
        Target(name="memory here", value=memory_mb, unit="MB", target=_MOST_MB, at_most=True),
    ]


def _read(
    manifest: Manifest, pairs: int, readers: int, cache: CacheSettings | None
) -> tuple[list[str], float]:
    """Return a digest per batch, and the largest memory of this process."""
    digests, memory_mb = [], 0.0
    loader = PairLoader(
        [manifest],
        pairs=PairSettings(pairs_per_epoch=pairs),
        augment=AugmentSettings(),
        batch_size=16,
        seed=0,
        num_workers=readers,
        cache=cache,
    )
    with loader:
        for batch in loader:
            pixels = batch.template.numpy().tobytes() + batch.search.numpy().tobytes()
            digests.append(hashlib.sha256(pixels).hexdigest())
            now = sample(os.getpid())
            memory_mb = max(memory_mb, now.memory_mb if now else 0.0)
    return digests, memory_mb


def _write(folder: Path, shards: int) -> str:
    """Write one shard and copies of it under other names; return the manifest's path."""
    url = write_crops(folder, [MadeTrack(name="t", video="v", frames=range(4))])
    made = read_manifest(url)
    (shard,) = made.metadata.shards
    tables, infos = [], []
    for number in range(shards):
        name = f"lasot-{number:06d}.tar"
        if name != shard.name:
            shutil.copyfile(folder / shard.name, folder / name)
        labels = {"shard": name, "track": f"t{number}", "video": f"v{number}"}
        labels["group"] = labels["video"]
        tables.append(
            made.rows.with_columns(
                pl.lit(value).cast(pl.Categorical).alias(column) for column, value in labels.items()
            )
        )
        infos.append(replace(shard, name=name))
    write_manifest(url, pl.concat(tables), replace(made.metadata, shards=tuple(infos)))
    return url
