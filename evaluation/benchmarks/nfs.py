"""Need for Speed: 100 videos, at 240 frames per second and, taken from these, at 30.

Read from ``<root>/<folder>/<rate>/``, the rate being 30 or 240:
    <Sequence>/00001.jpg ...   frames
    <Sequence>.txt             one VATIC row per frame: id, xmin, ymin, xmax, ymax, frame, lost,
                               occluded, generated, "label"

The box file of the 30 fps part may have a row per frame at 240: then every eighth is used. One row
or one image too many at the end is left out. Ground truth is (xmin, ymin, xmax - xmin,
ymax - ymin) as other toolkits evaluate it, also where the target is flagged lost.
"""

from functools import partial

import numpy as np

from datasets.box_files import parse_row, read_text
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.published import names_of
from evaluation.sequences import BenchmarkSequence, Boxes

_ROWS_PER_FRAME = 8
"""Rows at 240 fps per frame at 30."""


def read_nfs(files: RawFiles, rate: int) -> list[BenchmarkSequence]:
    """Return every sequence of a frame rate under the root.

    Raises:
        SourceError: A folder is damaged.
    """
    return [
        _read_sequence(files, f"{folder}/{rate}", name.removesuffix(".txt"))
        for folder in files.list("")
        for name in files.list(f"{folder}/{rate}")
        if name.endswith(".txt")
    ]


def _read_sequence(files: RawFiles, base: str, name: str) -> BenchmarkSequence:
    images = sort_frames(files.list(f"{base}/{name}"), where=f"{files.root}/{base}/{name}")
    truth = _read_boxes(files, f"{base}/{name}.txt")
    eighths = truth[::_ROWS_PER_FRAME]
    if abs(len(truth) - len(images)) > 1 >= abs(len(eighths) - len(images)):
        truth = eighths
    if abs(len(truth) - len(images)) == 1:
        length = min(len(truth), len(images))
        truth, images = truth[:length], images[:length]
    return BenchmarkSequence(
        name=name, frames=tuple(f"{base}/{name}/{image}" for image in images), truth=truth
    )


def _read_boxes(files: RawFiles, name: str) -> Boxes:
    """Return (T, 4) left, top, width, height of a file of VATIC rows."""
    where = files.where(name)
    corners = []
    for number, line in enumerate(read_text(files, name).splitlines(), start=1):
        row = parse_row(" ".join(line.split()[1:5]), where=f"{where}:{number}")
        if len(row) != 4:
            raise SourceError(
                f"{where}:{number}: {line.strip()[:60]!r}, expected a VATIC row: id, xmin, ymin, "
                "xmax, ymax and so on. Copy it again"
            )
        corners.append(row)
    values = np.array(corners).reshape(-1, 4)
    return np.concatenate([values[:, :2], values[:, 2:] - values[:, :2]], axis=1)


def _record(rate: int) -> BenchmarkRecord:
    return BenchmarkRecord(
        title=f"NFS {rate} fps",
        official_names=names_of("nfs"),
        read=partial(read_nfs, rate=rate),
        result_prefix="nfs_",
    )


NFS30 = _record(30)
NFS240 = _record(240)
