"""VOT of 2016, 2018 and 2019: 60 sequences each, whose ground truth are turned boxes.

Read from ``<root>/<sequence>/``:
    00000001.jpg ...     frames, or in ``color/``
    groundtruth.txt      eight numbers per line, x,y of four corners; some sequences have x,y,w,h
    occlusion.tag ...    one flag per frame; the names of the tags are the attributes
``<root>/list.txt`` names the sequences, if it is there.
"""

import numpy as np

from datasets.box_files import decode_text, parse_boxes
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError
from evaluation.regions import rectangles_to_polygons
from evaluation.sequences import BenchmarkSequence
from evaluation.vot_years import check_year


def read_vot(files: RawFiles, benchmark: str) -> list[BenchmarkSequence]:
    """Return every sequence that ``list.txt`` names, or every folder with ground truth.

    Raises:
        SourceError: A named sequence is missing or damaged, or another year than the benchmark's
            lies there.
    """
    if files.exists("list.txt"):
        listed = decode_text(files.read("list.txt"), where=f"{files.root}/list.txt").split()
    else:
        listed = [name for name in files.list("") if files.exists(f"{name}/groundtruth.txt")]
    check_year(benchmark, listed, root=files.root)
    return [_read_sequence(files, name) for name in listed]


def _read_sequence(files: RawFiles, name: str) -> BenchmarkSequence:
    where = f"{files.root}/{name}/groundtruth.txt"
    text = decode_text(files.read(f"{name}/groundtruth.txt"), where=where)
    truth = parse_boxes(text, where=where, widths=(4, 8), what="x,y,w,h, or x,y of four corners")
    if np.isnan(truth).any():
        number = 1 + int(np.flatnonzero(np.isnan(truth).any(axis=1))[0])
        raise SourceError(f"{where}:{number}: NaN, expected x,y of four corners. Copy it again")
    if truth.shape[1] == 4:
        truth = rectangles_to_polygons(truth)
    folder = f"{name}/color" if files.exists(f"{name}/color") else name
    images = sort_frames(files.list(folder), where=f"{files.root}/{folder}")
    frames = tuple(f"{folder}/{image}" for image in images)
    tags = [tag.removesuffix(".tag") for tag in files.list(name) if tag.endswith(".tag")]
    return BenchmarkSequence(name=name, frames=frames, truth=truth, attributes=tuple(tags))
