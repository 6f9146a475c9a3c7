"""How long the search for a benchmark's footage takes, at any scale, and how much memory.

    python -m bench.overlap            # its parts at a small scale, in a minute, added up
    python -m bench.overlap --full     # the command itself at the full scale: 25 GB of disk

The crops and frames are made up: some hundred pictures, stored many times over, and each one read
and decoded every time. One training track is cut from the benchmark's frames, so that there is
something to find.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.findings import BenchOptions, Row, Target, show
from bench.overlap.data import write_benchmark, write_training
from commands.run import run_command
from datasets.files import open_root
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.overlap.footage import Footage, all_crop_thumbs, read_footage
from datasets.overlap.hashes import Thumbs
from datasets.overlap.rates import measure_rates
from datasets.overlap.search import Limits, find_matches
from manifests.crop_spec import CropSpec
from manifests.schema import ManifestError
from manifests.table import read_manifest

PROG = "python -m bench.overlap"
_FULL_CROPS, _FULL_FRAMES = 1_000_000, 60_000
_LIMIT_S, _LIMIT_MB = 600.0, 4096.0
_COPIES = 100
_LOOKED_UP = 4096
"""Frames looked up at the small scale, as many as the search takes at once."""
_RUN = 10_000

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class OverlapBenchConfig(BenchOptions):
    """How long the search for a benchmark's footage takes, and how much memory."""

    full: bool = False
    """Run the command itself at the full scale instead of measuring its parts at a small one."""
    crops: int = 12_000
    """Training crops to read at the small scale."""
    frames: int = 1_500
    """Frames of the benchmark to read at the small scale."""
    pictures: int = 100
    """Different pictures of each kind."""


def measure(config: OverlapBenchConfig) -> int:
    """Make the data, measure, print."""
    crops, frames = (_FULL_CROPS, _FULL_FRAMES) if config.full else (config.crops, config.frames)
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "benchmark", Path(folder) / "training"
        write_benchmark(root, num_frames=frames, num_pictures=config.pictures)
        manifest = write_training(out, root, num_crops=crops, num_pictures=config.pictures)
        rows, targets = (_whole if config.full else _parts)(root, manifest)
    return show(rows, targets, config)


def _whole(root: Path, manifest: str) -> tuple[list[Row], list[Target]]:
    """Run the command; it computes in one process, so that process's memory is all of it."""
    options = ["--manifests", manifest, "--against", str(root)]
    options += ["--out", str(root.parent / "overlap.html")]
    command = [sys.executable, "-m", "datasets.overlap", *options]
    seconds, done = _timed(
        lambda: subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    )
    if done.returncode:
        raise ManifestError("datasets.overlap stopped with an error, see above")
    if not done.stdout.startswith("1 training videos hold footage"):
        raise ManifestError(f"datasets.overlap missed the footage: {done.stdout}")
    peak_mb = _peak_mb(resource.RUSAGE_CHILDREN)
    row = {"crops": _FULL_CROPS, "frames": _FULL_FRAMES, "s": seconds, "peak_mb": peak_mb}
    return [row], _targets("run", seconds, peak_mb)


def _parts(root: Path, manifest_url: str) -> tuple[list[Row], list[Target]]:
    """Time each part on little of its input, and take it times as often as the full scale needs."""
    manifest, files = read_manifest(manifest_url), open_root(str(root))
    tracks, limits = read_benchmark(files), Limits()
    read_s, crops = _timed(lambda: all_crop_thumbs([manifest], where=None, keep="", progress=_pass))
    cut_s, footage = _timed(
        lambda: read_footage(files, tracks, CropSpec(), every=1, progress=_pass)
    )
    many, some = _varied(crops, _FULL_CROPS), _repeated(footage, _LOOKED_UP)
    hash_s, _ = _timed(lambda: find_matches(many, some.part(slice(0)), limits))
    search_s, _ = _timed(lambda: find_matches(many, some, limits))
    one_s, _ = _timed(
        lambda: measure_rates(files, tracks, some, crops, limits, num_copies=1, seed=0)
    )
    copies_s, _ = _timed(
        lambda: measure_rates(files, tracks, some, crops, limits, num_copies=_COPIES, seed=0)
    )
    num_frames = footage.frame.size
    parts = [
        ("read and decode crops", len(crops), read_s, _FULL_CROPS / len(crops)),
        ("read, decode and cut frames", num_frames, cut_s, _FULL_FRAMES / num_frames),
        ("hash all crops", _FULL_CROPS, hash_s, 1),
        ("look frames up in all crops", _LOOKED_UP, search_s - hash_s, _FULL_FRAMES / _LOOKED_UP),
        ("make copies", _COPIES, copies_s - one_s, 1),
        ("look frames up in copies", _LOOKED_UP, one_s, _FULL_FRAMES / _LOOKED_UP),
    ]
    rows: list[Row] = [
        {"part": name, "measured_on": count, "s": seconds, "s_at_full_scale": seconds * times}
        for name, count, seconds, times in parts
    ]
    total_s = sum(seconds * times for _, _, seconds, times in parts)
    return rows, _targets("added up from the parts", total_s, _peak_mb(resource.RUSAGE_SELF))


def _varied(thumbs: Thumbs, count: int) -> Thumbs:
    """Return so many pictures: the given ones over and over, with a little noise, like tracks."""
    many = np.resize(thumbs, (count, *thumbs.shape[1:]))
    rng = np.random.default_rng(0)
    for start in range(0, count, _RUN):
        part = many[start : start + _RUN]
        part += rng.integers(0, 4, part.shape, dtype=np.uint8)  # wraps around in a few pixels
    return many


def _repeated(footage: Footage, count: int) -> Footage:
    """Return footage of so many frames."""
    return Footage(
        track=np.resize(footage.track, count),
        frame=np.resize(footage.frame, count),
        thumbs=_varied(footage.thumbs, count),
    )


def _targets(how: str, seconds: float, peak_mb: float) -> list[Target]:
    scale = f"{_FULL_CROPS:,} crops against {_FULL_FRAMES:,} frames"
    return [
        Target(name=f"{scale}, {how}", value=seconds, unit="s", target=_LIMIT_S, at_most=True),
        Target(name="peak memory", value=peak_mb, unit="MB", target=_LIMIT_MB, at_most=True),
    ]


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _peak_mb(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _pass(done: int) -> None:
    """Show no progress."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command(OverlapBenchConfig, measure, argv, prog=PROG, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
