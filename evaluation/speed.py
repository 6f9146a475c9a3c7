"""Time a tracker part by part on a sequence's frames, and baselines on the same ones.

    python -m evaluation.speed --root data/raw/OTB100 --weights runs/w.safetensors
    python -m evaluation.speed --root data/raw/OTB100 --weights W --devices cpu cuda --threads 1

Times are from a decoded image to a box; printed are the median and the 95th percentile, and the
shares of the device's rates that the network reaches.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from commands.choices import Count, Device, Natural
from commands.pages.page import Table
from commands.run import run_command
from datasets.images import Image
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import BenchmarkName, open_benchmark
from evaluation.presentation.tables import table_text
from evaluation.sequences import read_image
from model.device import choose_device
from model.network import Network
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from model.weights import WeightsError, load_model
from tracking.baselines import BASELINES
from tracking.crop_network import Precision
from tracking.interface import BoxTracker
from tracking.tracker import Tracker

_NUM_WARM_UP = 3
_PARTS = ("crop", "network", "decode", "whole frame")
_MATRIX_SIZE = 2048
_COPIED_BYTES = 1 << 28
_NUM_RATES = 5
"""Repetitions of a product and of a copy, whose medians are the device's rates."""


@dataclass(frozen=True, kw_only=True)
class SpeedConfig:
    """Time a tracker part by part, and baselines on the same frames."""

    benchmark: BenchmarkName = "otb100"
    """Layout of the folder with the frames."""
    root: str | None = None
    """Its folder; by default data/raw/<benchmark>."""
    weights: str | None = None
    """Trained weights; without them only the baselines are timed."""
    devices: tuple[Device, ...] = ("cpu",)
    """Where to time the network."""
    precision: Precision = "float32"
    """Of the network's convolutions."""
    threads: Natural = 0
    """Threads of the network on the CPU; 0 leaves torch's choice."""
    frames: Count = 100
    """Frames to time, from the first sequence that has as many, else the longest."""


def run(config: SpeedConfig) -> None:
    """Print the table."""
    if config.threads:
        torch.set_num_threads(config.threads)
    devices = config.devices if config.weights else ()
    for device in devices:
        choose_device(device, option="--devices")
    images, box_xywh = _load_frames(config)
    rows: list[tuple[str | float | None, ...]] = []
    notes = []
    for device in devices:
        assert config.weights  # else there are no devices
        network = load_model(config.weights, device=choose_device(device))
        tracker = Tracker(network, precision=config.precision)
        seconds = time_parts(tracker, images, box_xywh)
        rows += [
            _row(f"network on {device}", part, part_seconds)
            for part, part_seconds in zip(_PARTS, seconds.T, strict=True)
        ]
        products, memory = shares_of_limits(
            network, config.precision, float(np.median(seconds[:, 1]))
        )
        notes.append(
            f"network on {device}: {products:.3f} of the matrix rate by its convolutions, "
            f"{memory:.3f} of the memory rate by one reading of its weights"
        )
    for name, make_tracker in BASELINES.items():
        rows.append(_row(name, _PARTS[-1], time_whole(make_tracker(), images, box_xywh)))
    height, width = images[0].shape[:2]
    threads = torch.get_num_threads()
    table = Table(
        caption=f"{len(images) - 1} frames of {width} x {height}, {threads} threads on the CPU",
        columns=("tracker", "part", "median ms", "95% ms", "frames/s"),
        rows=tuple(rows),
        digits=(0, 2, 2, 1),
    )
    print("\n".join([table_text(table), *notes]))


def time_parts(tracker: Tracker, images: Sequence[Image], box_xywh: np.ndarray) -> np.ndarray:
    """Return (T - 1, 4) seconds for crop, network, decode and the whole frame.

    `Tracker.respond` ends with the outputs in host memory, so a GPU has finished by then.
    """
    tracker.init(images[0], box_xywh)
    seconds = np.empty((len(images) - 1, 4))
    for row, image in zip(seconds, images[1:], strict=True):
        marks = [time.perf_counter()]
        crops = tracker.search_crops(image)
        marks.append(time.perf_counter())
        outputs = tracker.respond(crops)
        marks.append(time.perf_counter())
        tracker.move(outputs)
        tracker.renew()
        marks.append(time.perf_counter())
        row[:] = [*np.diff(marks), marks[-1] - marks[0]]
    return seconds


@torch.inference_mode()
def shares_of_limits(network: Network, precision: Precision, seconds: float) -> tuple[float, float]:
    """Return the shares of the device's matrix rate and memory rate that a search reaches.

    Args:
        network: The network, on the device.
        precision: Of the matrix product that gives the rate.
        seconds: Duration of a search.
    """
    device = next(network.parameters()).device
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    matrix = torch.ones(_MATRIX_SIZE, _MATRIX_SIZE, device=device, dtype=dtype)
    product_s = _median_seconds(partial(torch.mm, matrix, matrix), device)
    buffer = torch.zeros(_COPIED_BYTES, dtype=torch.uint8, device=device)
    copy_s = _median_seconds(buffer.clone, device)

    crops = (
        torch.zeros(1, size, size, 3, dtype=torch.uint8, device=device)
        for size in (TEMPLATE_SIZE, SEARCH_SIZE)
    )
    features = network.template(next(crops))
    with FlopCounterMode(display=False) as counter:
        network.search(next(crops), features)
    products = counter.get_total_flops() / 2 / _MATRIX_SIZE**3
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.parameters())
    return products * product_s / seconds, weights / (2 * _COPIED_BYTES) * copy_s / seconds


def _median_seconds(work: Callable[[], torch.Tensor], device: torch.device) -> float:
    seconds = []
    for _ in range(_NUM_RATES + 1):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))


def time_whole(tracker: BoxTracker, images: Sequence[Image], box_xywh: np.ndarray) -> np.ndarray:
    """Return (T - 1,) seconds for each frame after the first."""
    tracker.init(images[0], box_xywh)
    seconds = np.empty(len(images) - 1)
    for index, image in enumerate(images[1:]):
        start = time.perf_counter()
        tracker.update(image)
        seconds[index] = time.perf_counter() - start
    return seconds


def _load_frames(config: SpeedConfig) -> tuple[list[Image], np.ndarray]:
    benchmark = open_benchmark(config.benchmark, config.root or f"data/raw/{config.benchmark}")
    wanted = config.frames + 1
    long_enough = [sequence for sequence in benchmark.sequences if len(sequence.frames) >= wanted]
    longest = max(benchmark.sequences, key=lambda sequence: len(sequence.frames))
    sequence = long_enough[0] if long_enough else longest
    if len(sequence.frames) < 2:
        raise SourceError(f"{benchmark.files.root}: no sequence of two frames or more to time")
    images = [read_image(benchmark.files, name) for name in sequence.frames[:wanted]]
    return images, benchmark.protocol.start_box(sequence.truth[0])


def _row(tracker: str, part: str, seconds: np.ndarray) -> tuple[str | float | None, ...]:
    warm = seconds[_NUM_WARM_UP:] if len(seconds) > 2 * _NUM_WARM_UP else seconds
    median = float(np.median(warm))
    speed = 1 / median if part == _PARTS[-1] and median > 1e-5 else None
    return tracker, part, 1e3 * median, 1e3 * float(np.quantile(warm, 0.95)), speed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        SpeedConfig,
        run,
        argv,
        prog="python -m evaluation.speed",
        errors=(SourceError, WeightsError),
    )


if __name__ == "__main__":
    sys.exit(main())
