"""Run a tracker once over each sequence, from its first box, and store its boxes."""

import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import numpy as np

from datasets.files import RawFiles
from datasets.images import Image
from evaluation.benchmark import NetworkCall, Progress, report_nothing
from evaluation.results.files import result_path, times_path, write_boxes, write_times
from evaluation.results.kept import CountingTracker, write_kept
from evaluation.sequences import BenchmarkSequence, Boxes, read_image, to_edges, to_file
from tracking.decoders.base import Decoder
from tracking.interface import BoxTracker
from tracking.target import Target


def track_into(
    tracker: BoxTracker,
    sequence: BenchmarkSequence,
    files: RawFiles,
    folder: Path,
    *,
    report: Progress = report_nothing,
) -> None:
    """Track a sequence and write its boxes and times to a tracker's folder.

    The first box is the given one. Decoding an image is not part of the time.
    """
    counting = CountingTracker(tracker)
    boxes = np.empty((len(sequence.frames), 4))
    seconds = np.empty(len(sequence.frames))
    first_box = to_edges(sequence.truth[0])
    for index, name in enumerate(sequence.frames):
        image = read_image(files, name)
        start = time.perf_counter()
        if index == 0:
            counting.init(image, first_box)
            box_xywh = first_box
        else:
            box_xywh = counting.update(image).box_xywh
        seconds[index] = time.perf_counter() - start
        boxes[index] = to_file(np.asarray(box_xywh))
        report(1)
    path = result_path(folder, sequence.name)
    write_kept(folder, path.stem, counting.num_kept)
    write_times(times_path(path), seconds)
    write_boxes(path, boxes)


def follow_sequence(
    decoder: Decoder, sequence: BenchmarkSequence, images: Iterator[Image], folder: Path
) -> Generator[NetworkCall, Mapping[str, Boxes], None]:
    """Track a sequence in lockstep with others and write its boxes, but no times.

    The boxes are those of `track_into` with the same network and settings, to rounding.
    """
    boxes = np.empty((len(sequence.frames), 4))
    first_box = to_edges(sequence.truth[0])
    boxes[0] = to_file(first_box)
    target, share, answers = Target(decoder, next(images), first_box), 1.0, []
    for crops in target.calibration_crops():
        template = target.template_crop()
        answers.append((yield NetworkCall(template=template, share=share, search=crops)))
        share = 0.0  # the same template
    target.calibrate(answers)
    for row, image in zip(boxes[1:], images, strict=True):
        template = target.template_crop()
        outputs = yield NetworkCall(
            template=template, share=share, search=target.search_crops(image)
        )
        row[:] = to_file(target.move(outputs).box_xywh)
        share = decoder.settings.template_rate
    path = result_path(folder, sequence.name)
    write_kept(folder, path.stem, 0)
    times_path(path).unlink(missing_ok=True)  # of an earlier run
    write_boxes(path, boxes)


def count_frames_left(sequence: BenchmarkSequence, folder: Path) -> int:
    """Return the number of frames of a sequence left to track."""
    return 0 if result_path(folder, sequence.name).exists() else len(sequence.frames)
