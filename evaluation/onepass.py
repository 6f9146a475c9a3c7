"""Run a tracker once over each sequence, from its first box, and keep what it says."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.files import RawFiles
from evaluation.results import times_path, write_boxes, write_times
from evaluation.sequences import Benchmark, BenchmarkSequence, read_image, to_edges, to_file
from tracking.tracker import BoxTracker

Floats = NDArray[np.float64]


def track_sequence(
    tracker: BoxTracker, sequence: BenchmarkSequence, files: RawFiles
) -> tuple[Floats, Floats]:
    """Return (T, 4) predicted boxes, counted from 1, and (T,) seconds that each frame took.

    The first box is the given one. Decoding an image is not part of the time.
    """
    boxes = np.empty((len(sequence.frames), 4))
    seconds = np.empty(len(sequence.frames))
    first_box = to_edges(sequence.truth[0])
    for index, name in enumerate(sequence.frames):
        image = read_image(files, name)
        start = time.perf_counter()
        if index == 0:
            tracker.init(image, first_box)
            box_xywh = first_box
        else:
            box_xywh = tracker.update(image).box_xywh
        seconds[index] = time.perf_counter() - start
        boxes[index] = to_file(np.asarray(box_xywh))
    return boxes, seconds


def track_benchmark(
    make_tracker: Callable[[], BoxTracker],
    benchmark: Benchmark,
    folder: Path,
    *,
    report: Callable[[int], None] = lambda num_frames: None,
) -> None:
    """Track every sequence that has no result in ``folder`` yet, and write it there.

    Args:
        make_tracker: Called once for all sequences.
        benchmark: What to track.
        folder: Where ``<sequence>.txt`` goes.
        report: Called after each sequence with the number of frames that are done with it.
    """
    tracker: BoxTracker | None = None
    for sequence in benchmark.sequences:
        path = folder / f"{sequence.name}.txt"
        if not path.exists():
            tracker = tracker or make_tracker()
            boxes, seconds = track_sequence(tracker, sequence, benchmark.files)
            write_times(times_path(path), seconds)
            write_boxes(path, boxes)
        report(len(sequence.frames))
