"""Pairs per second, and their share of what decoding the JPEGs alone would allow.

    python -m bench.pairs --json
    python -m bench.pairs --workers 0 1 2 --pairs 6000 --rounds 3

The decode-only limit is one process that decodes the template and the search JPEG of pair after
pair from memory, with the same library, and does nothing else; it is measured anew in each round,
beside the loaders, because a shared machine is not equally fast at all times. With n workers the
limit is that of n processes at the same time. Every figure is the median over the rounds.

Where other programs use the same cores, the clock says more about them. The share by CPU time,
loader and workers together, hardly depends on that.
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from simplejpeg import decode_jpeg

from bench.crops import MadeTrack, write_crops
from manifests.cli import run_command
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings

_SEED = 0


@dataclass(frozen=True, kw_only=True)
class PairsBenchConfig:
    """What to measure."""

    manifest: str = ""
    """A local manifest; empty makes crops of its own."""
    pairs: int = 6_000
    """Pairs of each measurement."""
    batch_size: int = 32
    """Pairs of a batch."""
    workers: tuple[int, ...] = (0, 1, 2)
    """Numbers of worker processes to measure."""
    rounds: int = 3
    """How often everything is measured."""
    json: bool = False
    """Print one JSON object instead of a table."""


def measure(config: PairsBenchConfig) -> None:
    """Measure everything, round by round, and print the figures."""
    cv2.setNumThreads(1)
    with _manifest_of(config.manifest) as manifest, _processes(max(config.workers)) as pool:
        jpegs = _sample_jpegs(manifest)
        limits: dict[int, list[Rate]] = {}
        rates: dict[tuple[int, str], list[Rate]] = {}
        loaders = {
            (workers, name): _loader(manifest, config, workers=workers, augment=augment)
            for workers in config.workers
            for name, augment in _AUGMENTS.items()
        }
        for loader in loaders.values():
            next(iter(loader))  # starts the workers, warms the page cache
        for _ in range(config.rounds):
            for workers in config.workers:
                limit = _decode_rate(pool, jpegs, config.pairs, processes=max(workers, 1))
                limits.setdefault(workers, []).append(limit)
                for name in _AUGMENTS:
                    rate = _loader_rate(loaders[workers, name])
                    rates.setdefault((workers, name), []).append(rate)
        for loader in loaders.values():
            loader.close()
    hand_over = _hand_over_us()
    _report(config, manifest, limits, rates, hand_over)


class Rate(NamedTuple):
    """How fast pairs were made."""

    pairs_per_s: float
    """By the clock."""
    cpu_us: float
    """CPU time of a pair, over all processes."""


_AUGMENTS = {"none": AugmentSettings(enabled=False), "all": AugmentSettings()}


def _loader(
    manifest: Manifest, config: PairsBenchConfig, *, workers: int, augment: AugmentSettings
) -> PairLoader:
    return PairLoader(
        [manifest],
        pairs=PairSettings(pairs_per_epoch=config.pairs),
        augment=augment,
        batch_size=config.batch_size,
        seed=_SEED,
        num_workers=workers,
    )


def _loader_rate(loader: PairLoader) -> Rate:
    """Return the speed of one epoch, with nothing done to the batches."""
    start, start_cpu = time.perf_counter(), _cpu_s(loader)
    count = sum(len(batch.search) for batch in loader)
    seconds, cpu = time.perf_counter() - start, _cpu_s(loader) - start_cpu
    return Rate(count / seconds, cpu / count * 1e6)


def _cpu_s(loader: PairLoader) -> float:
    """Return CPU seconds that this process and the loader's workers have used."""
    seconds = time.process_time()
    for process in loader._pool._processes if loader._pool else ():
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        seconds += sum(int(ticks) for ticks in fields.split()[11:13]) / os.sysconf("SC_CLK_TCK")
    return seconds


def _decode_rate(
    pool: ProcessPoolExecutor, jpegs: Sequence[tuple[bytes, bytes]], pairs: int, *, processes: int
) -> Rate:
    """Return the speed at which processes decode side by side."""
    futures = [pool.submit(_decode, jpegs, pairs // processes) for _ in range(processes)]
    rates = [future.result() for future in futures]
    return Rate(sum(r.pairs_per_s for r in rates), statistics.mean(r.cpu_us for r in rates))


def _decode(jpegs: Sequence[tuple[bytes, bytes]], pairs: int) -> Rate:
    template, search = (decode_jpeg(jpeg, "RGB") for jpeg in jpegs[0])
    start, start_cpu = time.perf_counter(), time.process_time()
    for number in range(pairs):
        for jpeg, memory in zip(jpegs[number % len(jpegs)], (template, search), strict=True):
            decode_jpeg(jpeg, "RGB", buffer=memory)
    cpu = time.process_time() - start_cpu
    return Rate(pairs / (time.perf_counter() - start), cpu / pairs * 1e6)


def _hand_over_us(*, batch_size: int = 64, rounds: int = 200) -> float:
    """Return microseconds a pair from a worker's "done" to tensors, over a warm ring."""
    with tempfile.TemporaryDirectory() as folder:
        tracks = [MadeTrack(name="t", video="v", frames=range(4))]
        manifest = read_manifest(write_crops(Path(folder), tracks))
        config = PairsBenchConfig(pairs=batch_size * 4, batch_size=batch_size)
        with _loader(manifest, config, workers=1, augment=_AUGMENTS["none"]) as loader:
            batches = iter(loader)
            next(batches)
            pool, records = loader._pool, loader.dataset.records[:batch_size]
            assert pool is not None
            pool.drain()
            times = []
            for _ in range(rounds):
                slot = pool.submit(records, epoch=0)
                while not pool._connections[0].poll(1):
                    pass
                start = time.perf_counter()
                failures = pool.wait_for(slot)
                batch = loader._finished(pool.lease(slot), records, failures)
                times.append((time.perf_counter() - start) / batch_size * 1e6)
                del batch
    return statistics.median(times)


def _sample_jpegs(manifest: Manifest, *, count: int = 200) -> list[tuple[bytes, bytes]]:
    """Return the bytes of some crop pairs, spread over the manifest."""
    chosen = np.linspace(0, manifest.rows.height - 1, count).astype(int)
    rows = manifest.rows[chosen.tolist()].iter_rows(named=True)
    folder = Path(manifest.url).parent
    jpegs = []
    for row in rows:
        with (folder / row["shard"]).open("rb") as shard:
            parts = []
            for letter in "zx":
                shard.seek(row[f"{letter}_offset"])
                parts.append(shard.read(row[f"{letter}_bytes"]))
        jpegs.append((parts[0], parts[1]))
    return jpegs


@contextmanager
def _manifest_of(url: str) -> Iterator[Manifest]:
    if url:
        yield read_manifest(url)
        return
    with tempfile.TemporaryDirectory() as folder:
        tracks = [
            MadeTrack(name=f"track-{i}", video=f"video-{i}", frames=range(0, 80, 2))
            for i in range(25)
        ]
        yield read_manifest(write_crops(Path(folder), tracks))


@contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(max(count, 1), mp_context=get_context("spawn")) as pool:
        list(pool.map(_warm_up, range(max(count, 1))))
        yield pool


def _warm_up(_: int) -> None:
    time.sleep(0.2)  # long enough that every process of the pool gets one


def _report(
    config: PairsBenchConfig,
    manifest: Manifest,
    limits: dict[int, list[Rate]],
    rates: dict[tuple[int, str], list[Rate]],
    hand_over: float,
) -> None:
    rows: list[dict[str, Any]] = []
    for (workers, augment), values in rates.items():
        both = list(zip(values, limits[workers], strict=True))
        shares = [rate.pairs_per_s / limit.pairs_per_s for rate, limit in both]
        cpu_shares = [limit.cpu_us / rate.cpu_us for rate, limit in both]
        rows.append(
            {
                "workers": workers,
                "augmentation": augment,
                "pairs_per_s": round(statistics.median(rate.pairs_per_s for rate in values)),
                "share_of_limit": round(statistics.median(shares), 3),
                "share_by_cpu_time": round(statistics.median(cpu_shares), 3),
            }
        )
    sizes = manifest.rows.select("z_bytes", "x_bytes").mean().row(0)
    figures = {
        "limit_pairs_per_s": {
            workers: round(statistics.median(rate.pairs_per_s for rate in values))
            for workers, values in limits.items()
        },
        "loader": rows,
        "hand_over_us": round(hand_over, 2),
        "bytes_per_pair": round(sum(sizes)),
        "peak_mb": round(_peak_mb()),
    }
    if config.json:
        print(json.dumps(figures))
        return
    for workers, values in limits.items():
        speed = statistics.median(rate.pairs_per_s for rate in values)
        cpu = statistics.median(rate.cpu_us for rate in values)
        print(f"decode only, {max(workers, 1)} at a time: {speed:.0f} pairs/s, {cpu:.0f} us CPU")
    for row in rows:
        print(
            f"{row['workers']} workers, augmentation {row['augmentation']:4}: "
            f"{row['pairs_per_s']:6} pairs/s, {row['share_of_limit']:.2f} of the limit, "
            f"{row['share_by_cpu_time']:.2f} by CPU time"
        )
    for name in ("hand_over_us", "bytes_per_pair", "peak_mb"):
        print(f"{name:20} {figures[name]}")


def _peak_mb() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(kind).ru_maxrss for kind in kinds)
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command(
        PairsBenchConfig, measure, argv, prog="python -m bench.pairs", errors=(ManifestError,)
    )


if __name__ == "__main__":
    sys.exit(main())
