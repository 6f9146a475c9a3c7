"""How fast the build is: against a plain script, against its own limit, with two workers.

    python -m bench.build --json
    python -m bench.build --plans

Frames are 1280x720 JPEGs with real textures, and targets as large as LaSOT's. Speeds are frames
per second of processor time, so that other programs on the machine disturb them little; the ratio
for two workers is of wall-clock time, and is only right on an idle machine. ``--plans`` instead
times the planning of a LaSOT of 2.8 million rows and of a COCO of 860,001 boxes (450 MB of JSON).
"""

import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.raw_trees import write_coco_annotations, write_lasot_annotations, write_vid
from datasets.annotations import read_annotations
from datasets.boxes import crop_scale, template_side
from datasets.crops import channel_mean, crop_square, decode_image, encode_jpeg
from datasets.files import open_root
from datasets.filters import Filters
from datasets.plan import plan_tasks
from datasets.shards import ShardTask, build_shard
from datasets.sources import SOURCES
from manifests.cli import run_command

Boxes = NDArray[np.float64]
_ROUNDS = 3
_TARGETS = {
    "one target, times the plain script": 4.2,
    "six targets, times the plain script": 2.3,
    "one target, share of the limit": 0.85,
    "six targets, share of the limit": 0.85,
    "two workers, times one": 1.85,
}


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """Measure the build's speed and memory."""

    json: bool = False
    """Print one JSON object instead of a table."""
    plans: bool = False
    """Time the planning of datasets of LaSOT's and COCO's size instead."""
    frames: int = 120
    """Different frames to measure with."""


def measure(config: BenchConfig) -> None:
    """Measure, and print the figures with the targets beside them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        figures = _plans(Path(folder)) if config.plans else _speeds(config, Path(folder))
    if config.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        target = f"   (target {_TARGETS[name]})" if name in _TARGETS else ""
        print(f"{name:<40}{value:>12,.2f}{target}")


def _speeds(config: BenchConfig, folder: Path) -> dict[str, float]:
    cv2.setNumThreads(1)
    figures: dict[str, float] = {}
    for num_targets, label in ((1, "one target"), (6, "six targets")):
        root = folder / f"raw{num_targets}"
        write_vid(root, num_frames=config.frames, num_targets=num_targets)
        task = _one_task(root, folder)
        images = _images_of(task)
        ways: dict[str, Callable[[], object]] = {
            "plain script": lambda: _plain_script(root, images, folder / "plain"),  # noqa: B023
            "limit": lambda: _limit(root, images),  # noqa: B023
            "build": lambda: build_shard(task),  # noqa: B023
        }
        speeds = _fastest(ways, len(images))
        for way, speed in speeds.items():
            figures[f"{label}, {way}, frames/s a core"] = speed
        figures[f"{label}, times the plain script"] = speeds["build"] / speeds["plain script"]
        figures[f"{label}, share of the limit"] = speeds["build"] / speeds["limit"]
    figures["two workers, times one"] = _scaling(folder / "raw1", folder)
    for num_frames in (1_000, 8_000):
        figures[f"worker's peak memory, video of {num_frames:,} frames, MB"] = _peak_memory(
            folder, num_frames
        )
    return figures


def _fastest(ways: dict[str, Callable[[], object]], num_frames: int) -> dict[str, float]:
    """Return frames per second of processor time, the best of some interleaved rounds."""
    best = dict.fromkeys(ways, 0.0)
    for _ in range(_ROUNDS):
        for name, run in ways.items():
            start = time.process_time()
            run()
            best[name] = max(best[name], num_frames / (time.process_time() - start))
    return best


def _one_task(root: Path, out: Path) -> ShardTask:
    template = ShardTask(
        root=str(root), out=str(out / "shards"), name="", source="vid", split="", parts=(),
        filters=Filters(), margin=0, quality=92, max_bad_frames=0,
    )  # fmt: skip
    files = open_root(str(root))
    found = read_annotations(files, "vid", SOURCES["vid"].list_parts(files), Filters())
    tasks = plan_tasks(found.parts, template, seed=0, val_fraction=0.0, shard_mb=1e6)
    assert len(tasks) == 1
    return tasks[0]


def _images_of(task: ShardTask) -> list[tuple[str, Boxes]]:
    boxes: dict[str, list[Boxes]] = {}
    for part in (part for parts in task.parts for part in parts):
        for index in part.indices:
            boxes.setdefault(part.track.frames[index], []).append(part.track.boxes_xywh[index])
    return [(name, np.array(boxes[name])) for name in sorted(boxes)]


def _plain_script(root: Path, images: Sequence[tuple[str, Boxes]], out: Path) -> None:
    """Do what the trackers' published scripts do: all of the image, all in full size, to files."""
    out.mkdir(exist_ok=True)
    for name, boxes in images:
        image = np.asarray(cv2.imread(str(root / name)))
        mean = np.mean(image, axis=(0, 1))
        for number, (x, y, width, height) in enumerate(boxes.tolist()):
            side = template_side(width, height)
            for letter, size in (("z", 127), ("x", 255)):
                step = size / (side * size / 127)
                shift = (size / 2 - step * (x + width / 2), size / 2 - step * (y + height / 2))
                matrix = np.array([[step, 0, shift[0]], [0, step, shift[1]]])
                crop = cv2.warpAffine(image, matrix, (size, size), borderValue=mean.tolist())
                cv2.imwrite(str(out / f"{Path(name).stem}.{number}.{letter}.jpg"), crop)


def _limit(root: Path, images: Sequence[tuple[str, Boxes]]) -> None:
    """Do nothing but decode (scaled), mean, two crops and two encodes a target."""
    for name, boxes in images:
        data = (root / name).read_bytes()
        step = min(1 / crop_scale(width, height) for _, _, width, height in boxes.tolist())
        reduce = next(factor for factor in (8, 4, 2, 1) if factor <= max(step, 1))
        image = decode_image(data, reduce=reduce)
        fill = channel_mean(image)
        for x, y, width, height in (boxes / reduce).tolist():
            side, center = template_side(width, height), (x + width / 2, y + height / 2)
            for size in (127, 255):
                crop = crop_square(
                    image, center=center, side=side * size / 127, size=size, fill=fill
                )
                encode_jpeg(crop)


def _scaling(root: Path, folder: Path) -> float:
    """Return how many times faster two workers are than one, without their start-up."""
    task = _one_task(root, folder)
    rounds = 6
    seconds = {}
    for workers in (1, 2):
        code = (
            "import pickle, sys, time; from datasets.shards import build_shard; import cv2;"
            "cv2.setNumThreads(1); task, rounds = pickle.load(sys.stdin.buffer);"
            "build_shard(task); start = time.time();"
            "[build_shard(task) for _ in range(rounds)]; print(start, time.time())"
        )
        spans = _run_at_once(code, [_renamed(task, n) for n in range(workers)], rounds)
        seconds[workers] = max(e for _, e in spans) - min(s for s, _ in spans)
    return 2 * seconds[1] / seconds[2]


def _renamed(task: ShardTask, number: int) -> ShardTask:
    return ShardTask(
        **{name: getattr(task, name) for name in ShardTask.__slots__ if name != "name"},
        name=f"vid-{number:06d}.tar",
    )


def _run_at_once(code: str, tasks: list[ShardTask], rounds: int) -> list[tuple[float, float]]:
    processes = [subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) for _ in tasks]
    for process, task in zip(processes, tasks, strict=True):
        assert process.stdin is not None
        process.stdin.write(pickle.dumps((task, rounds)))
        process.stdin.close()
    spans = []
    for process in processes:
        assert process.stdout is not None
        start, end = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        spans.append((float(start), float(end)))
    return spans


def _peak_memory(folder: Path, num_frames: int) -> float:
    """Return the peak memory in MB of a process that builds one long video."""
    root = folder / f"long{num_frames}"
    write_vid(root, num_frames=num_frames, num_targets=1, different=20)
    code = (
        "import pickle, sys, resource; from datasets.shards import build_shard;"
        "build_shard(pickle.load(sys.stdin.buffer)[0]);"
        "print(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)"
    )
    ((_, peak),) = _run_at_once(code, [_one_task(root, folder)], 0)
    return peak


def _plans(folder: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    for source, write in (("lasot", write_lasot_annotations), ("coco", write_coco_annotations)):
        root = folder / source
        num_rows = write(root)
        figures |= _plan_in_a_process(source, root, num_rows)
    return figures


def _plan_in_a_process(source: str, root: Path, num_rows: int) -> dict[str, float]:
    code = "from bench.build import plan_once; import sys; plan_once(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, source, str(root)], check=True, capture_output=True
    )
    wall, processor, peak = map(float, done.stdout.split())
    return {
        f"{source} plan of {num_rows:,} rows, s": wall,
        f"{source} plan, s of processor time": processor,
        f"{source} plan, peak memory, MB": peak,
    }


def plan_once(source: str, root: str) -> None:
    """Read and plan one source; print seconds, seconds of processor time and peak MB."""
    start = time.monotonic()
    files = open_root(root)
    names = SOURCES[source].list_parts(files)
    found = read_annotations(files, source, names, Filters())
    template: Any = ShardTask(
        root=root, out="", name="", source=source, split="", parts=(), filters=Filters(),
        margin=0, quality=92, max_bad_frames=0,
    )  # fmt: skip
    plan_tasks(found.parts, template, seed=0, val_fraction=0.1, shard_mb=256)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(time.monotonic() - start, time.process_time(), peak)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 2 a wrong option."""
    return run_command(BenchConfig, measure, argv, prog="python -m bench.build")


if __name__ == "__main__":
    sys.exit(main())
