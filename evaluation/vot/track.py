"""Run a tracker as VOT's supervised experiment does: start again five frames after each failure."""

from pathlib import Path

import numpy as np

from datasets.files import RawFiles
from evaluation.benchmark import Progress, report_nothing
from evaluation.regions import Floats, overlaps, rectangles_to_polygons, start_box, to_region
from evaluation.results.kept import CountingTracker, write_kept
from evaluation.sequences import BenchmarkSequence, read_image
from evaluation.vot.measures import FAILED, NUM_SKIPPED, SKIPPED, STARTED, TRACKED
from evaluation.vot.result_files import run_path, write_run
from tracking.interface import BoxTracker

NUM_REPETITIONS = 15
"""Repetitions of a tracker whose results vary."""
NUM_EQUAL = 3
"""Repetitions after which a tracker that gave the same each time is taken as deterministic."""


def track_supervised(
    tracker: BoxTracker,
    sequence: BenchmarkSequence,
    files: RawFiles,
    *,
    report: Progress = report_nothing,
) -> tuple[list[int], list[Floats | None]]:
    """Return the event of each frame, and its (4,) region where the target was tracked."""
    events: list[int] = []
    regions: list[Floats | None] = []
    start_at = 0
    for index, name in enumerate(sequence.frames):
        region = None
        if index < start_at:
            event = SKIPPED
        elif index == start_at:
            tracker.init(read_image(files, name), start_box(sequence.truth[index]))
            event = STARTED
        else:
            image = read_image(files, name)
            region = to_region(np.asarray(tracker.update(image).box_xywh))
            bounds = (image.shape[1] - 1, image.shape[0] - 1)
            event = TRACKED
            if not _overlap(region, sequence.truth[index], bounds) > 0:
                event, region, start_at = FAILED, None, index + NUM_SKIPPED
        events.append(event)
        regions.append(region)
        report(1)
    return events, regions


def repeat_supervised(
    tracker: BoxTracker,
    sequence: BenchmarkSequence,
    files: RawFiles,
    folder: Path,
    *,
    report: Progress = report_nothing,
) -> None:
    """Write the repetitions of a sequence that are missing: 3 if they are equal, else 15."""
    num_wanted = _count_wanted(sequence, folder)
    number = 0
    while number < num_wanted:
        number += 1
        path = run_path(folder, sequence.name, number)
        if path.exists():
            continue
        counting = CountingTracker(tracker)
        events, regions = track_supervised(counting, sequence, files, report=report)
        write_kept(folder, path.stem, counting.num_kept)
        write_run(path, events, regions)
        before, num_wanted = num_wanted, _count_wanted(sequence, folder)
        report(0, (num_wanted - before) * len(sequence.frames))


def count_frames_left(sequence: BenchmarkSequence, folder: Path) -> int:
    """Return the number of frames of a sequence left to track, in all repetitions together."""
    num_wanted = _count_wanted(sequence, folder)
    numbers = range(1, num_wanted + 1)
    done = sum(run_path(folder, sequence.name, number).exists() for number in numbers)
    return (num_wanted - done) * len(sequence.frames)


def _count_wanted(sequence: BenchmarkSequence, folder: Path) -> int:
    """Return the number of repetitions needed, according to those that exist."""
    paths = [run_path(folder, sequence.name, number) for number in range(1, NUM_EQUAL + 1)]
    texts = {path.read_bytes() for path in paths if path.exists()}
    return NUM_EQUAL if len(texts) <= 1 else NUM_REPETITIONS


def _overlap(region: Floats, truth: Floats, bounds: tuple[int, int]) -> float:
    return float(overlaps(rectangles_to_polygons(region[None]), truth[None], bounds=bounds)[0])
