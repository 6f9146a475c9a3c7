"""Result files with more rows than a sequence has frames: which rows are the sequence's.

Some benchmarks use a part of a folder's images (OTB's David and Tiger1, the pieces of UAV123's
videos), and other toolkits track the whole folder. Their results begin at the first image.
"""

import re

import numpy as np
from numpy.typing import NDArray

from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence


def read_result(
    results: TrackerResults, path: str, sequence: BenchmarkSequence, files: RawFiles
) -> NDArray[np.float64]:
    """Return the boxes of a result file that belong to the frames of a sequence.

    Raises:
        SourceError: The file is damaged or has more rows than the sequence and its folder.
    """
    where = results.files.where(path)
    return align_rows(results.read_boxes(path), sequence, files, where=where)


def align_rows(
    boxes: NDArray[np.float64], sequence: BenchmarkSequence, files: RawFiles, *, where: str
) -> NDArray[np.float64]:
    """Return the rows of a result that belong to the frames of a sequence.

    As many rows as the folder has images, or as its last image's number says, begin at the first
    image (or at number 1). Any other number of rows beyond the frames is refused: cutting them
    at the end would compare boxes with the truth of other frames.

    Args:
        boxes: (N, 4) rows of the result, one per frame or image.
        sequence: T frames, a run of the images in their folder.
        files: Where the images lie; they are listed only if N > T.
        where: Name in errors, such as the result file.

    Raises:
        SourceError: N is above T, and is not the number of the folder's images.
    """
    num_frames = len(sequence.frames)
    if len(boxes) <= num_frames:
        return boxes  # too few rows are refused where they are measured
    folder, _, first = sequence.frames[0].rpartition("/")
    images = sort_frames(files.list(folder), where=files.where(folder))
    start = images.index(first) if first in images else 0
    used = [f"{folder}/{name}" for name in images[start : start + num_frames]]
    if used == list(sequence.frames):
        if len(boxes) == len(images):
            return boxes[start : start + num_frames]
        if len(boxes) == _number(images[-1]):
            skipped = _number(first) - 1
            return boxes[skipped : skipped + num_frames]
    raise SourceError(
        f"{where}: {len(boxes)} boxes, expected {num_frames}, one per frame, or one per image of "
        f"{files.where(folder)} (found {len(images)}). Check that the results belong to this "
        "benchmark, or track the sequence again"
    )


def _number(image: str) -> int:
    """Return the number that an image's name ends in; -1 if there is none."""
    match = re.search(r"(\d+)\.\w+$", image)
    return int(match[1]) if match else -1
