"""How long the plan of an epoch takes, and how much memory.

    python -m bench.plan
    python -m bench.plan --json --check
    python -m bench.plan --rows 1000000 --pairs 100000

Each figure is the median of ``--rounds``; the memory is the peak of the whole process, the rows and
the libraries included, less that of the libraries alone.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.findings import BenchOptions, Target, show
from commands.run import run_command
from manifests.schema import SCHEMA, ManifestError
from manifests.shards import ShardInfo
from manifests.table import Metadata, read_manifests, write_manifest
from sampling.pair_index import pair_records
from sampling.plan import PairSettings, make_plan
from sampling.track_table import track_table

# (source, share of the rows, crops in a track), roughly as the four raw datasets are
_MIX = (("coco", 0.15, 1), ("lasot", 0.55, 2500), ("uav123", 0.02, 900), ("vid", 0.28, 290))
_ROWS_PER_SHARD = 20_000
_MOST_S = 2.0
_MOST_MB = 1000.0


@dataclass(frozen=True, kw_only=True)
class PlanBenchConfig(BenchOptions):
    """What to measure."""

    rows: int = 5_000_000
    """Crops in the manifests, over four sources."""
    pairs: int = 1_000_000
    """Pairs of the epoch."""
    negative_ratio: float = 0.2
    """Share of negative pairs."""
    transplant: float = 0.25
    """Share of the positive pairs that get a background."""
    rounds: int = 3
    """Plans drawn; the median counts."""


def measure(config: PlanBenchConfig) -> int:
    """Make manifests, open them, draw plans, print the figures."""
    libraries_mb = _peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        # in another process, so that its memory is not counted
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as maker:
            urls = [
                maker.submit(
                    _write_rows, Path(folder) / source, source, round(share * config.rows), length
                ).result()
                for source, share, length in _MIX
            ]
        open_s, manifests = _timed(partial(read_manifests, urls, check_shards=False))
    group_s, tracks = _timed(partial(track_table, manifests, split="train"))
    settings = PairSettings(pairs_per_epoch=config.pairs, negative_ratio=config.negative_ratio)
    plan_s, records_s = [], []
    for epoch in range(config.rounds):
        seconds, plan = _timed(
            partial(make_plan, tracks, settings, seed=0, epoch=epoch, transplant=config.transplant)
        )
        plan_s.append(seconds)
        records_s.append(_timed(partial(pair_records, manifests, plan))[0])
    median_s, peak_mb = statistics.median(plan_s), _peak_mb() - libraries_mb
    row = {
        "rows": sum(manifest.rows.height for manifest in manifests),
        "tracks": int(tracks.sources.size),
        "pairs": config.pairs,
        "open_s": round(open_s, 2),
        "group_s": round(group_s, 2),
        "plan_s": round(median_s, 2),
        "records_s": round(statistics.median(records_s), 2),
        "peak_mb": round(peak_mb),
    }
    targets = [
        Target(name="plan", value=median_s, unit="s", target=_MOST_S, at_most=True),
        Target(name="peak memory", value=peak_mb, unit="MB", target=_MOST_MB, at_most=True),
    ]
    return show([row], targets, config)


def _write_rows(folder: Path, source: str, num_rows: int, length: int) -> str:
    """Write a manifest of tracks with ``length`` crops each; there are no shards."""
    row = np.arange(num_rows)
    track = row // length
    names = pl.Series([f"{source}-{i:07d}" for i in range(int(track[-1]) + 1)])
    labels = names[track].cast(pl.Categorical)
    shard = row // _ROWS_PER_SHARD
    shards = [f"{source}-{i:06d}.tar" for i in range(int(shard[-1]) + 1)]
    offset = (row % _ROWS_PER_SHARD) * 25_000
    split = pl.Series(["train", "val"])[(track % 10 == 9).astype(np.int64)]
    columns: dict[str, Any] = {
        "video": labels,
        "group": labels,
        "track": labels,
        "split": split.cast(pl.Categorical),
        "frame": (row % length).astype(np.int32),
        "shard": pl.Series(shards)[shard].cast(pl.Categorical),
        "z_offset": offset,
        "x_offset": offset + 6_000,
    }
    table = pl.DataFrame(columns).with_columns(
        pl.lit(source).alias("source"),
        pl.lit("thing").alias("category"),
        *(pl.lit(0).alias(name) for name in SCHEMA.names() if name.endswith(("bytes", "crc32"))),
        *(pl.lit(640).alias(name) for name in ("frame_width", "frame_height")),
        *(pl.lit(50.0).alias(name) for name in ("box_x", "box_y", "box_w", "box_h", "scale")),
        *(pl.lit(None).alias(name) for name in ("occluded", "truncated", "generated")),
    )
    info = tuple(ShardInfo(name=name, num_bytes=0, num_rows=0, sha256="") for name in shards)
    folder.mkdir()
    url = str(folder / "manifest.parquet")
    write_manifest(url, table, Metadata(source=source, shards=info))
    return url


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    return run_command(
        PlanBenchConfig, measure, argv, prog="python -m bench.plan", errors=(ManifestError,)
    )


if __name__ == "__main__":
    sys.exit(main())
