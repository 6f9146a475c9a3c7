"""VOT2018: 60 sequences whose ground truth are turned boxes.

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

_NAMES = """
ants1 ants3 bag ball1 ball2 basketball birds1 blanket bmx bolt1 bolt2 book butterfly car1
conduction1 crabs1 crossing dinosaur drone_across drone_flip drone1 fernando fish1 fish2 fish3
flamingo1 frisbee girl glove godfather graduate gymnastics1 gymnastics2 gymnastics3 hand handball1
handball2 helicopter iceskater1 iceskater2 leaves matrix motocross1 motocross2 nature pedestrian1
rabbit racing road shaking sheep singer2 singer3 soccer1 soccer2 soldier tiger traffic
wiper zebrafish1
"""


def official_names() -> tuple[str, ...]:
    """Return the 60 published names."""
    return tuple(_NAMES.split())


def read_vot(files: RawFiles) -> list[BenchmarkSequence]:
    """Return every sequence that ``list.txt`` names, or every folder with ground truth.

    Raises:
        SourceError: A named sequence is missing or damaged.
    """
    if files.exists("list.txt"):
        listed = decode_text(files.read("list.txt"), where=f"{files.root}/list.txt").split()
    else:
        listed = [name for name in files.list("") if files.exists(f"{name}/groundtruth.txt")]
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
