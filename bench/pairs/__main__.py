"""Pairs per second, and their share of what decoding the JPEGs alone would allow.

    python -m bench.pairs
    python -m bench.pairs --json --check
    python -m bench.pairs --manifest data/shards/vid/manifest.parquet --rounds 5

The decode-only limit is a process that decodes the template and the search JPEG of pair after pair
from memory, with the same library, and does nothing else; with n workers it is that of n processes
side by side. It is measured anew in each round, beside the loaders, because a shared machine is not
equally fast at all times: figures are medians over the rounds, shares those of the rounds' shares.
Speeds are those of an epoch's middle, when the workers have got going and none has finished.

Where the `dev` extra is installed, the crops also lie in a bucket of a real S3 server: ``cached``
is read from the local copies, once they are there, ``streamed`` from the server in every epoch.
Where webdataset, wids, mosaicml-streaming and litdata are installed (the `bench` extra), the same
crops go through them in the same rounds.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from bench.crops import MadeTrack, write_crops
from bench.findings import BenchOptions, Row, Target, show
from bench.pairs.bucket import can_serve, served
from bench.pairs.hand_over import hand_over_us
from bench.pairs.jpegs import DecodeLimit
from bench.pairs.other_loaders import other_loaders
from commands.run import run_command
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.remote.cache import CacheSettings

_AUGMENTS = {"none": AugmentSettings(enabled=False), "all": AugmentSettings()}
_SHARES = {
    ("local", "none"): 0.90,
    ("local", "all"): 0.65,
    ("cached", "none"): 0.80,
    ("cached", "all"): 0.60,
}
_HAND_OVER_US = 25.0
_STREAM_WORKERS = 2


@dataclass(frozen=True, kw_only=True)
class PairsBenchConfig(BenchOptions):
    """What to measure."""

    manifest: str = ""
    """A local manifest; empty makes crops of its own."""
    pairs: int = 2_160
    """Pairs of each measurement."""
    batch_size: int = 72
    """Pairs of a batch, 72 as in the recipes."""
    workers: tuple[int, ...] = (1, 2)
    """Numbers of worker processes to measure."""
    rounds: int = 3
    """How often everything is measured."""


class Case(NamedTuple):
    """One line of the table."""

    loader: str
    augmentation: str
    workers: int


def measure(config: PairsBenchConfig) -> int:
    """Measure everything, round by round, and print the figures."""
    cv2.setNumThreads(1)
    limits: dict[int, list[float]] = {}
    rates: dict[Case, list[float]] = {}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        manifest = read_manifest(config.manifest or _make_crops(scratch / "crops"))
        limit = stack.enter_context(DecodeLimit(manifest, max(*config.workers, _STREAM_WORKERS)))
        cases = _our_loaders(config, manifest, scratch, stack) | _other_loaders(
            config, manifest, scratch
        )
        for case, loader in cases.items():
            if case.loader != "streamed":
                next(iter(loader()))  # starts the workers, fetches what is cached
        for _ in range(config.rounds):
            for workers in sorted({case.workers for case in cases}):
                limits.setdefault(workers, []).append(limit.rate(config.pairs, workers))
                for case in (case for case in cases if case.workers == workers):
                    rates.setdefault(case, []).append(_rate(cases[case](), 2 * workers))
    return _report(config, manifest, limits, rates)


def _our_loaders(
    config: PairsBenchConfig, manifest: Manifest, scratch: Path, stack: ExitStack
) -> dict[Case, Any]:
    """Return what starts an epoch of each of our ways to the crops."""
    cases: dict[Case, Any] = {}
    manifests = {"local": manifest}
    if can_serve():
        bucket = stack.enter_context(served(Path(manifest.url).parent))
        manifests["cached"] = read_manifest(f"{bucket}/{Path(manifest.url).name}")
    for name, augment in _AUGMENTS.items():
        for access, source in manifests.items():
            for workers in config.workers:
                loader = PairLoader(
                    [source],
                    pairs=PairSettings(pairs_per_epoch=config.pairs),
                    augment=augment,
                    batch_size=config.batch_size,
                    seed=0,
                    num_workers=workers,
                    cache=CacheSettings(folder=str(scratch / "cache")),
                )
                stack.callback(loader.close)
                cases[Case(access, name, workers)] = loader.__iter__
        if "cached" in manifests:
            stream = PairLoader(
                [manifests["cached"]],
                pairs=PairSettings(pairs_per_epoch=config.pairs),
                augment=augment,
                batch_size=config.batch_size,
                seed=0,
                num_workers=_STREAM_WORKERS,
                access="stream",
            )
            stack.callback(stream.close)
            cases[Case("streamed", name, _STREAM_WORKERS)] = stream.__iter__
    return cases


def _other_loaders(config: PairsBenchConfig, manifest: Manifest, scratch: Path) -> dict[Case, Any]:
    others = other_loaders(
        Path(manifest.url).parent,
        scratch,
        batch_size=config.batch_size,
        workers=_STREAM_WORKERS,
    )
    return {Case(name, "none", _STREAM_WORKERS): loader for name, loader in others.items()}


def _rate(batches: Iterable[Any], num_ahead: int) -> float:
    """Return batches per second in an epoch's middle."""
    arrivals = [time.perf_counter() for _ in batches]
    first, last = num_ahead, len(arrivals) - 1 - num_ahead
    if last <= first:
        raise ManifestError(f"{len(arrivals)} batches are too few to measure. Raise --pairs")
    return (last - first) / (arrivals[last] - arrivals[first])


def _report(
    config: PairsBenchConfig,
    manifest: Manifest,
    limits: dict[int, list[float]],
    rates: dict[Case, list[float]],
) -> int:
    sizes = manifest.rows.select("z_bytes", "x_bytes").mean().row(0)
    shard_bytes = sum(shard.num_bytes for shard in manifest.metadata.shards)
    rows: list[Row] = []
    targets = []
    for case, batches_per_s in rates.items():
        speeds = [rate * config.batch_size for rate in batches_per_s]
        both = zip(speeds, limits[case.workers], strict=True)
        share = statistics.median(speed / limit for speed, limit in both)
        bytes_read = shard_bytes / config.pairs if case.loader == "streamed" else sum(sizes)
        rows.append(
            case._asdict()
            | {
                "pairs/s": round(statistics.median(speeds)),
                "share of limit": round(share, 3),
                "bytes read a pair": round(bytes_read),
            }
        )
        bound = _SHARES.get((case.loader, case.augmentation))
        if bound is not None and case.workers > 0:
            name = f"{case.loader}, augmentation {case.augmentation}, {case.workers} workers"
            targets.append(Target(name=name, value=share, unit="of the limit", target=bound))
    for workers, speeds in limits.items():
        rows.append(
            {"decode only, processes": workers, "pairs/s": round(statistics.median(speeds))}
        )
    rows.append({"peak memory of one process, MB": round(_peak_mb())})
    hand_over = hand_over_us()
    targets.append(
        Target(
            name="hand-over", value=hand_over, unit="us a pair", target=_HAND_OVER_US, at_most=True
        )
    )
    return show(rows, targets, config)


def _make_crops(folder: Path) -> str:
    tracks = [
        MadeTrack(name=f"track-{i}", video=f"video-{i}", frames=range(0, 80, 2)) for i in range(32)
    ]
    return write_crops(folder, tracks, tracks_per_shard=2)


def _peak_mb() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(kind).ru_maxrss for kind in kinds)
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    prog = "python -m bench.pairs"
    return run_command(PairsBenchConfig, measure, argv, prog=prog, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
