"""OTB's robustness evaluations: the same sequence from other frames, or from other first boxes.

TRE starts a tracker on 20 frames of a sequence, each time up to the end; SRE starts it on the first
frame with 12 boxes beside the true one. These are the rules of the toolkit's splitSeqTRE.m and
shiftInitBB.m, and each start is a sequence of its own. A sequence's curve pools the frames of its
starts, as in genPerfMat.m; the benchmark's is the plain mean over sequences.

Frames that the toolkit's folder ``initOmit`` excludes are in ``<Sequence>/init_omit.txt``, a line
per span with its first and last frame number, if the copy has such a file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import parse_rows, read_text
from datasets.files import RawFiles
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.sequences import BenchmarkSequence, Boxes, read_size

Experiment = Literal["ope", "tre", "sre"]

NUM_SEGMENTS = 20
FEWEST_FRAMES = 20
"""Frames from the last start of TRE to the end."""
SHIFTS: Mapping[str, tuple[float, float, float, float]] = {
    "left": (-1, 0, 0, 0),
    "right": (1, 0, 0, 0),
    "up": (0, -1, 0, 0),
    "down": (0, 1, 0, 0),
    "topLeft": (-1, -1, 0, 0),
    "topRight": (0, -1, 1, 0),
    "bottomLeft": (-1, 0, 0, 1),
    "bottomRight": (0, 0, 1, 1),
    "scale_8": (0.8,) * 4,
    "scale_9": (0.9,) * 4,
    "scale_11": (1.1,) * 4,
    "scale_12": (1.2,) * 4,
}
"""Which edges move by a tenth of the size: left, top, right, bottom; or the scale."""


def open_experiment(benchmark: Benchmark, experiment: Experiment) -> Benchmark:
    """Return a benchmark whose sequences are the starts of an experiment.

    Raises:
        SourceError: The benchmark's trackers start again after failures by themselves, or the size
            of an image cannot be read.
    """
    if experiment == "ope":
        return benchmark
    if benchmark.record.protocol != "one-pass":
        raise SourceError(f"--experiment {experiment}: {benchmark.title} is not of one pass")
    starts = [
        start
        for sequence in benchmark.sequences
        for start in _EXPERIMENTS[experiment](sequence, benchmark.files)
    ]
    return replace(
        benchmark,
        experiment=experiment.upper(),
        sequences=tuple(starts),
        whole=benchmark.sequences,
    )


def temporal_starts(sequence: BenchmarkSequence, files: RawFiles) -> list[BenchmarkSequence]:
    """Return the sequence from each start of TRE."""
    excluded = _read_excluded(sequence, files)
    usable = np.flatnonzero((sequence.truth > 0).all(axis=1) & ~excluded)
    starts = []
    for number, first in enumerate(_segment_starts(usable, len(sequence.frames)), start=1):
        absent = None if sequence.absent is None else sequence.absent[first:]
        starts.append(
            replace(
                sequence,
                name=f"{sequence.name}-tre{number:02d}",
                part_of=sequence.name,
                frames=sequence.frames[first:],
                truth=sequence.truth[first:],
                absent=absent,
            )
        )
    return starts


def _segment_starts(usable: NDArray[np.intp], num_frames: int) -> list[int]:
    """Return the frames that TRE starts on; a short sequence has the same one several times."""
    last = int(np.count_nonzero(num_frames - usable >= FEWEST_FRAMES))
    if last == 0:
        return [0]
    steps = NUM_SEGMENTS - 1
    # MATLAB's floor(1 : last / steps : last), in whole numbers
    numbers = [1 + step * last // steps for step in range(steps * (last - 1) // last + 1)]
    return [int(usable[number - 1]) for number in (*numbers, last)]


def spatial_starts(sequence: BenchmarkSequence, files: RawFiles) -> list[BenchmarkSequence]:
    """Return the sequence from each box of SRE.

    Ground truth begins with that box: measures replace the first prediction by ground truth, or
    compare equal boxes.
    """
    size = sequence.image_size or read_size(files, sequence.frames[0])
    starts = []
    for shift in SHIFTS:
        truth = sequence.truth.copy()
        truth[0] = shift_box(truth[0], shift, size)
        name = f"{sequence.name}-sre-{shift.replace('_', '')}"
        starts.append(replace(sequence, name=name, part_of=sequence.name, truth=truth))
    return starts


def shift_box(box_xywh: Boxes, shift: str, image_size: tuple[int, int]) -> Boxes:
    """Return the (4,) box of SRE beside a box counted from pixel 1.

    Args:
        box_xywh: (4,) the true box.
        shift: One of `SHIFTS`.
        image_size: Width and height; the box is cut at the image's edges.
    """
    x, y, width, height = box_xywh
    moves = SHIFTS[shift]
    if shift.startswith("scale"):
        size = moves[0] * np.array([width, height])
        center = np.array([x + width / 2, y + height / 2])
        box = _round(np.concatenate([center - size / 2, size]))
    elif sum(map(bool, moves)) == 1:
        tenths = np.ceil([0.1 * width, 0.1 * height])
        box = np.array([x + moves[0] * tenths[0], y + moves[1] * tenths[1], width, height])
    else:
        edges = np.array([x, y, x + width - 1, y + height - 1])
        step = 0.1 * np.array([width, height, width, height])
        edges = np.where(moves, _round(edges + np.array(moves) * step), edges)
        box = np.concatenate([edges[:2], edges[2:] - edges[:2] + 1])
    box[:2] = np.maximum(box[:2], 1)
    box[2:] = np.minimum(box[2:], np.array(image_size) - box[:2] + 1)
    return box


def _round(values: Boxes) -> Boxes:
    """Round as MATLAB does: halves away from zero."""
    return np.asarray(np.trunc(values + np.copysign(0.5, values)))


def _read_excluded(sequence: BenchmarkSequence, files: RawFiles) -> NDArray[np.bool_]:
    """Return (T,) True for the frames that no tracker shall start on."""
    excluded = np.zeros(len(sequence.frames), dtype=bool)
    path = f"{sequence.frames[0].split('/')[0]}/init_omit.txt"
    if files.exists(path):
        numbers = [int(re.findall(r"\d+", name.rpartition(".")[0])[-1]) for name in sequence.frames]
        for row in parse_rows(read_text(files, path), where=files.where(path)).values():
            excluded |= [row[0] <= number <= row[-1] for number in numbers]
    return excluded


_EXPERIMENTS: Mapping[str, Callable[[BenchmarkSequence, RawFiles], list[BenchmarkSequence]]] = {
    "tre": temporal_starts,
    "sre": spatial_starts,
}
