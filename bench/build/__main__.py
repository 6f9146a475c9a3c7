"""How fast the build is: against a plain script, against its own limit, with two workers.

    python -m bench.build
    python -m bench.build --json --check

Frames are 1280x720 JPEGs with real textures, and targets as large as LaSOT's. The plain script does
what trackers' published scripts do; the limit is decoding at the least scale, the mean, two crops
and two encodes a target, and nothing else. All three take turns; speeds are frames per second of
processor time and ratios are medians of the rounds' ratios, so that other programs disturb them
little. The ratio for two workers is of wall-clock time, and is only right on an idle machine.
"""

import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from bench.build.raw_trees import write_vid
from bench.build.ways import images_of, pixels_only, plain_script
from bench.findings import BenchOptions, Row, Target, show
from commands.run import run_command
from datasets.files import open_root
from datasets.filters import Filters
from datasets.shards.annotations import read_annotations
from datasets.shards.plan import plan_tasks
from datasets.shards.shard import build_shard
from datasets.shards.tasks import ShardSettings, ShardTask
from datasets.sources import SOURCES

_TIMES_PLAIN = {1: 4.2, 6: 2.3}
_SHARE_OF_LIMIT = 0.85
_TWO_WORKERS = 1.85
_MOST_MB = 500.0
_LONG_VIDEOS = (250, 1_000)


@dataclass(frozen=True, kw_only=True)
class BuildBenchConfig(BenchOptions):
    """What to measure."""

    frames: int = 60
    """Different frames to measure with."""
    rounds: int = 3
    """Turns of all rivals; medians count."""


def measure(config: BuildBenchConfig) -> int:
    """Measure the build's speed and memory, and print the figures."""
    cv2.setNumThreads(1)
    rows: list[Row] = []
    targets: list[Target] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for num_targets in _TIMES_PLAIN:
            row, found = _speeds(config, num_targets, Path(folder))
            rows.append(row)
            targets += found
        ratio = _scaling(_one_task(Path(folder) / "raw1", Path(folder)), config.rounds)
        targets.append(Target(name="2 workers to 1", value=ratio, unit="", target=_TWO_WORKERS))
        for length in _LONG_VIDEOS:
            peak_mb = _peak_memory(Path(folder), length)
            targets.append(
                Target(
                    name=f"a worker's peak memory, video of {length} frames",
                    value=peak_mb,
                    unit="MB",
                    target=_MOST_MB,
                    at_most=True,
                )
            )
    return show(rows, targets, config)


def _speeds(config: BuildBenchConfig, num_targets: int, folder: Path) -> tuple[Row, list[Target]]:
    root = folder / f"raw{num_targets}"
    write_vid(root, num_frames=config.frames, num_targets=num_targets)
    task = _one_task(root, folder)
    images = images_of(task)
    ways: dict[str, Callable[[], object]] = {
        "plain": lambda: plain_script(root, images, folder / "plain"),
        "limit": lambda: pixels_only(root, images),
        "build": lambda: build_shard(task),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(config.rounds):
        for name, run in ways.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    speeds = {name: len(images) / statistics.median(taken) for name, taken in seconds.items()}
    row: Row = {"targets in a frame": num_targets} | {
        f"{name}, frames/s": round(speed, 1) for name, speed in speeds.items()
    }
    label = "1 target" if num_targets == 1 else f"{num_targets} targets"
    bounds = {"plain": _TIMES_PLAIN[num_targets], "limit": _SHARE_OF_LIMIT}
    names = {"plain": "times the plain script", "limit": "share of the limit"}
    return row, [
        Target(
            name=f"{label}, {names[way]}",
            value=_median_ratio(seconds[way], seconds["build"]),
            unit="",
            target=bound,
        )
        for way, bound in bounds.items()
    ]


def _median_ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def _one_task(root: Path, out: Path) -> ShardTask:
    """Return the one task that builds a whole tree."""
    files = open_root(str(root))
    found = read_annotations(files, "vid", SOURCES["vid"].list_parts(files), Filters())
    settings = ShardSettings(root=str(root), out=str(out / "shards"), source="vid")
    (task,) = plan_tasks(found.parts, settings, seed=0, val_fraction=0.0, shard_mb=1e6)
    return task


def _scaling(task: ShardTask, rounds: int) -> float:
    """Return the speed of two workers relative to one, without their start-up."""
    code = (
        "import pickle, sys, time; from datasets.shards.shard import build_shard; import cv2;"
        "cv2.setNumThreads(1); task = pickle.load(sys.stdin.buffer); build_shard(task);"
        "start = time.time(); [build_shard(task) for _ in range(5)]; print(start, time.time())"
    )
    tasks = [replace(task, name=f"vid-{number:06d}.tar") for number in range(2)]
    alone, together = [], []
    for _ in range(rounds):
        alone += [stop - start for start, stop in _run_at_once(code, tasks[:1])]
        spans = _run_at_once(code, tasks)
        together.append(max(stop for _, stop in spans) - min(start for start, _ in spans))
    return 2 * statistics.median(alone) / statistics.median(together)


def _run_at_once(code: str, tasks: Sequence[ShardTask]) -> list[tuple[float, float]]:
    """Run a program once for each task, side by side; return the two numbers that each prints."""
    processes = [subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) for _ in tasks]
    for process, task in zip(processes, tasks, strict=True):
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(task))
        process.stdin.close()
    numbers = []
    for process in processes:
        assert process.stdout is not None
        first, second = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        numbers.append((float(first), float(second)))
    return numbers


def _peak_memory(folder: Path, num_frames: int) -> float:
    """Return the peak memory in MB of a process that builds one long video."""
    root = folder / f"long{num_frames}"
    write_vid(root, num_frames=num_frames, num_targets=1, different=20)
    code = (
        "import pickle, sys, resource; from datasets.shards.shard import build_shard;"
        "build_shard(pickle.load(sys.stdin.buffer));"
        "print(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)"
    )
    ((_, peak),) = _run_at_once(code, [_one_task(root, folder)])
    return peak


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    return run_command(BuildBenchConfig, measure, argv, prog="python -m bench.build")


if __name__ == "__main__":
    sys.exit(main())
