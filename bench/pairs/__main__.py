"""Pairs per second, and their share of what decoding the JPEGs alone would allow.

    python -m bench.pairs
    python -m bench.pairs --json --check
    python -m bench.pairs --manifest data/shards/vid/manifest.parquet --device cuda

The decode-only limit is a process that decodes the template and the search JPEG of pair after pair
from memory, with the same library, and does nothing else; with n workers it is that of n processes
side by side. It is measured anew in each round, beside the loaders, because a shared machine is not
equally fast at all times: figures are medians over the rounds, shares those of the rounds' shares.
A process keeps its share over its rounds and the next one has another, so figures of local crops
are medians over three processes. Speeds are those of an epoch's middle, when the workers have got
going and none has finished.

Where the `dev` extra is installed, the crops also lie in a bucket of a real S3 server, which one
process reads: ``cached`` is read from the local copies, once they are there, ``streamed`` from the
server in every epoch.
Where webdataset, wids, mosaicml-streaming and litdata are installed (the `bench` extra), the same
crops go through them in the same rounds.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import torch

from bench.crops import MadeTrack, write_crops
from bench.findings import BenchOptions, Row, Target, medians, show
from bench.pairs.bucket import can_serve
from bench.pairs.cases import STREAM_WORKERS, Case, Cases, middle_rate
from bench.pairs.hand_over import hand_over_us
from bench.pairs.jpegs import DecodeLimit
from bench.timing import in_turns
from commands.run import run_command
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from model.device import choose_device
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE

_SHARES = {
    ("local", "none"): 0.90,
    ("local", "all"): 0.65,
    ("cached", "none"): 0.80,
    ("cached", "all"): 0.60,
}
_GPU_PAIRS_S = 9_000.0
_HAND_OVER_US = 25.0
_PAIR_BYTES = 3 * (TEMPLATE_SIZE**2 + SEARCH_SIZE**2)
_COPIED_BYTES = 1 << 26


@dataclass(frozen=True, kw_only=True)
class PairsBenchConfig(BenchOptions):
    """What to measure."""

    manifest: str | None = None
    """A local manifest; by default crops of its own."""
    device: str = "auto"
    """auto, cpu or cuda."""
    pairs: int = 0
    """Pairs of each measurement; 0 is 864 on the CPU and 21,600 on a GPU."""
    batch_size: int = 72
    """Pairs of a batch, 72 as in the recipes."""
    workers: tuple[int, ...] = ()
    """Numbers of worker processes; empty is 1 and 2 on the CPU, one less than cores on a GPU."""
    rounds: int = 1
    """How often a process measures everything."""
    ways: Literal["local", "remote", "all"] = "all"
    """Crops in local files, in a bucket of a server on this machine, or both."""
    processes: int = 3
    """How many processes measure local crops, one after the other; 1 measures all here."""

    def on(self, device: torch.device) -> "PairsBenchConfig":
        """Return the options with the device's values in place of 0 and nothing."""
        on_gpu = device.type == "cuda"
        workers = (max((os.cpu_count() or 2) - 1, 1),) if on_gpu else (1, 2)
        return replace(
            self,
            pairs=self.pairs or (21_600 if on_gpu else 864),
            workers=self.workers or workers,
        )


def measure(config: PairsBenchConfig) -> int:
    """Measure everything, process by process, and print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        manifest = config.manifest or _make_crops(Path(scratch) / "crops")
        config = replace(config, manifest=manifest)
        if config.processes == 1:
            return _measure_here(config, Path(scratch))
        rows: list[Row] = []
        targets: list[Target] = []
        for ways, processes in (("local", config.processes), ("remote", 1)):
            if config.ways in (ways, "all") and (ways == "local" or can_serve()):
                found = medians([_measure_elsewhere(config, ways) for _ in range(processes)])
                rows += found[0]
                targets += found[1]
        return show(rows, targets, config)


def _measure_elsewhere(config: PairsBenchConfig, ways: str) -> str:
    """Return the JSON of another process."""
    command = [sys.executable, "-m", "bench.pairs", "--json", "--processes", "1", "--ways", ways]
    for option in ("manifest", "device", "pairs", "batch_size", "rounds"):
        command += [f"--{option.replace('_', '-')}", str(getattr(config, option))]
    if config.workers:
        command += ["--workers", *map(str, config.workers)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ManifestError(f"{' '.join(command)}: exit code {done.returncode}. See above")
    return done.stdout


def _measure_here(config: PairsBenchConfig, scratch: Path) -> int:
    cv2.setNumThreads(1)
    device = choose_device(config.device)
    config = config.on(device)
    limits: dict[int, list[float]] = {}
    rates: dict[Case, list[float]] = {}
    assert config.manifest
    manifest = read_manifest(config.manifest)
    with ExitStack() as stack:
        limit = stack.enter_context(DecodeLimit(manifest, max(*config.workers, STREAM_WORKERS)))
        made = Cases(
            manifest,
            scratch,
            stack,
            pairs=config.pairs,
            batch_size=config.batch_size,
            device=device if device.type == "cuda" else None,
        )
        cases = made.local(config.workers) if config.ways != "remote" else {}
        if config.ways != "local" and can_serve():
            cases |= made.remote(config.workers)
        for case, epoch in cases.items():
            if case.loader != "streamed":
                next(iter(epoch()))  # starts the workers and fills the cache
        for _ in range(config.rounds):
            for workers in sorted({case.workers for case in cases}):
                limits.setdefault(workers, []).append(limit.rate(config.pairs, workers))
                for case in (case for case in cases if case.workers == workers):
                    rate = middle_rate(cases[case](), 2 * workers)
                    rates.setdefault(case, []).append(rate)
    return _report(config, manifest, limits, rates, device)


def _report(
    config: PairsBenchConfig,
    manifest: Manifest,
    limits: dict[int, list[float]],
    rates: dict[Case, list[float]],
    device: torch.device,
) -> int:
    on_gpu = device.type == "cuda"
    copy_rate = _copy_rate(device)
    sizes = manifest.rows.select("z_bytes", "x_bytes").mean().row(0)
    shard_bytes = sum(shard.num_bytes for shard in manifest.metadata.shards)
    rows: list[Row] = []
    targets = []
    for case, batches_per_s in rates.items():
        speeds = [rate * config.batch_size for rate in batches_per_s]
        speed = statistics.median(speeds)
        both = zip(speeds, limits[case.workers], strict=True)
        share = statistics.median(speed / limit for speed, limit in both)
        bytes_read = shard_bytes / config.pairs if case.loader == "streamed" else sum(sizes)
        rows.append(
            case._asdict()
            | {
                "pairs/s": round(speed),
                "share of limit": round(share, 3),
                "share of memory rate": round(
                    statistics.median(speeds) * _PAIR_BYTES / copy_rate, 3
                ),
                "bytes read a pair": round(bytes_read),
            }
        )
        bound = _SHARES.get((case.loader, case.augmentation))
        name = f"{case.loader}, augmentation {case.augmentation}, {case.workers} workers"
        if bound is not None and not on_gpu:
            targets.append(Target(name=name, value=share, unit="of the limit", target=bound))
        if on_gpu and case[:2] == ("local", "all"):
            targets.append(Target(name=name, value=speed, unit="pairs/s", target=_GPU_PAIRS_S))
    for workers, speeds in limits.items():
        rows.append(
            {"decode only, processes": workers, "pairs/s": round(statistics.median(speeds))}
        )
    rows.append({"peak memory of one process, MB": round(_peak_mb())})
    if config.ways != "remote":
        targets.append(
            Target(
                name="hand-over",
                value=hand_over_us(),
                unit="us a pair",
                target=_HAND_OVER_US,
                at_most=True,
            )
        )
    return show(rows, targets, config)


def _make_crops(folder: Path) -> str:
    tracks = [
        MadeTrack(name=f"track-{i}", video=f"video-{i}", frames=range(0, 80, 2)) for i in range(32)
    ]
    return write_crops(folder, tracks, tracks_per_shard=2)


def _copy_rate(device: torch.device) -> float:
    """Return the bytes per second that reach the device from (pinned) memory."""
    source = torch.zeros(_COPIED_BYTES, dtype=torch.uint8, pin_memory=device.type == "cuda")
    target = torch.empty_like(source, device=device)
    copies = in_turns({"copy": partial(target.copy_, source)}, rounds=5, device=device)["copy"]
    return _COPIED_BYTES / statistics.median(copies)


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
