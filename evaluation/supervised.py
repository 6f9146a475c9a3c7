"""Run a tracker as VOT's supervised experiment does: start again five frames after each failure."""

from pathlib import Path

import numpy as np

from datasets.files import RawFiles
from evaluation.regions import Floats, overlaps, rectangles_to_polygons, start_box, to_region
from evaluation.sequences import BenchmarkSequence, read_image
from evaluation.vot_measures import FAILED, NUM_SKIPPED, SKIPPED, STARTED, TRACKED
from evaluation.vot_results import run_path, write_run
from tracking.tracker import BoxTracker

NUM_REPETITIONS = 15
"""Repetitions of a tracker whose results vary."""
NUM_EQUAL = 3
"""Repetitions after which a tracker that gave the same each time is taken as deterministic."""


def track_supervised(
    tracker: BoxTracker, sequence: BenchmarkSequence, files: RawFiles
) -> tuple[list[int], list[Floats | None]]:
    """Return what happened in each frame, and the (4,) region where it tracked."""
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
    return events, regions


def repeat_supervised(
    tracker: BoxTracker,
    sequence: BenchmarkSequence,
    files: RawFiles,
    folder: Path,
) -> None:
    """Write the repetitions of a sequence that are missing: 3 if they are equal, else 15."""
    texts: list[bytes] = []
    for number in range(1, NUM_REPETITIONS + 1):
        if number > NUM_EQUAL and len(set(texts[:NUM_EQUAL])) == 1:
            return
        path = run_path(folder, sequence.name, number)
        if not path.exists():
            write_run(path, *track_supervised(tracker, sequence, files))
        texts.append(path.read_bytes())


def is_complete(sequence: BenchmarkSequence, folder: Path) -> bool:
    """Return whether a sequence has all of its repetitions."""
    paths = [run_path(folder, sequence.name, n) for n in range(1, NUM_REPETITIONS + 1)]
    done = [path.read_bytes() for path in paths if path.exists()]
    return len(done) == NUM_REPETITIONS or (len(done) >= NUM_EQUAL and len(set(done)) == 1)


def _overlap(region: Floats, truth: Floats, bounds: tuple[int, int]) -> float:
    return float(overlaps(rectangles_to_polygons(region[None]), truth[None], bounds=bounds)[0])
