"""VOT of 2016, 2018 and 2019, the supervised challenges, whose ground truth are turned boxes.

Read from ``<root>/<sequence>/``:
    00000001.jpg ...     frames, or in ``color/``
    groundtruth.txt      eight numbers per line, x,y of four corners; some sequences have x,y,w,h
    occlusion.tag ...    one flag per frame; the names of the tags are the attributes
``<root>/list.txt`` names the sequences, if it is there.

Most sequences are shown in several years, so that results look alike; the expected average overlap
(EAO) is an average over lengths that each challenge set for its own sequences: ``low`` and ``high``
of its stack in VOT's toolkit (github.com/votchallenge/toolkit, ``vot/stack/vot2016.yaml``).
VOT2017 has the sequences and the lengths of 2018, and VOT2015 those of 2016.
"""

from collections.abc import Iterable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from commands.page import Table
from datasets.box_files import decode_text, parse_boxes, parse_flags
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.sources.got10k import excluded_videos
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.regions import rectangles_to_polygons
from evaluation.results.names import match_name
from evaluation.sequences import BenchmarkSequence

_NAMES_2016 = """
bag ball1 ball2 basketball birds1 birds2 blanket bmx bolt1 bolt2 book butterfly car1 car2 crossing
dinosaur fernando fish1 fish2 fish3 fish4 girl glove godfather graduate gymnastics1 gymnastics2
gymnastics3 gymnastics4 hand handball1 handball2 helicopter iceskater1 iceskater2 leaves marching
matrix motocross1 motocross2 nature octopus pedestrian1 pedestrian2 rabbit racing road shaking sheep
singer1 singer2 singer3 soccer1 soccer2 soldier sphere tiger traffic tunnel wiper
"""
_NAMES_2018 = """
ants1 ants3 bag ball1 ball2 basketball birds1 blanket bmx bolt1 bolt2 book butterfly car1
conduction1 crabs1 crossing dinosaur drone_across drone_flip drone1 fernando fish1 fish2 fish3
flamingo1 frisbee girl glove godfather graduate gymnastics1 gymnastics2 gymnastics3 hand handball1
handball2 helicopter iceskater1 iceskater2 leaves matrix motocross1 motocross2 nature pedestrian1
rabbit racing road shaking sheep singer2 singer3 soccer1 soccer2 soldier tiger traffic
wiper zebrafish1
"""
_NAMES_2019 = """
agility ants1 ball2 ball3 basketball birds1 bolt1 book butterfly car1 conduction1 crabs1 dinosaur
dribble drone1 drone_across drone_flip fernando fish1 fish2 flamingo1 frisbee girl glove godfather
graduate gymnastics1 gymnastics2 gymnastics3 hand hand2 handball1 handball2 helicopter iceskater1
iceskater2 lamb leaves marathon matrix monkey motocross1 nature pedestrian1 polo rabbit rabbit2 road
rowing shaking singer2 singer3 soccer1 soccer2 soldier surfing tiger wheel wiper zebrafish1
"""


_NAMES = {
    "vot2016": tuple(_NAMES_2016.split()),
    "vot2018": tuple(_NAMES_2018.split()),
    "vot2019": tuple(_NAMES_2019.split()),
}
_PRINTED_2018 = Table(
    caption="Printed: the paper's Table I, VOT2018 ('Ours' is the paper's DCFFNet)",
    columns=("tracker", "EAO", "A", "R"),
    rows=(
        ("UPDT", 0.379, 0.536, 0.184),
        ("LADCF", 0.389, 0.503, 0.159),
        ("RCO", 0.376, 0.507, 0.155),
        ("SiamFC", 0.188, 0.503, 0.585),
        ("SPM", 0.338, 0.580, 0.300),
        ("SiamRPN", 0.384, 0.588, 0.276),
        ("SiamFC++", 0.400, 0.556, 0.183),
        ("ATOM", 0.401, 0.590, 0.204),
        ("SiamRPN++", 0.414, 0.600, 0.234),
        ("Ours", 0.431, 0.586, 0.176),
    ),
    higher_is_better=(True, True, False),
)


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
    _check_year(benchmark, listed, root=files.root)
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
    tags = {
        tag.removesuffix(".tag"): _read_tag(files, f"{name}/{tag}", len(truth))
        for tag in files.list(name)
        if tag.endswith(".tag")
    }
    return BenchmarkSequence(
        name=name, frames=frames, truth=truth, attributes=tuple(tags), tags=tags
    )


def _read_tag(files: RawFiles, name: str, num_frames: int) -> NDArray[np.bool_]:
    """Return (T,) flags; as for VOT's toolkit, frames beyond the file's end have no tag."""
    where = files.where(name)
    flags = parse_flags(decode_text(files.read(name), where=where), where=where)[:num_frames]
    return np.pad(flags, (0, num_frames - len(flags)))


def _check_year(benchmark: str, names: Iterable[str], *, root: str) -> None:
    """Refuse sequences that only other years have.

    A part of a year, and sequences that no year has, are accepted: nothing contradicts the year
    that was asked for.

    Raises:
        SourceError: A sequence belongs to another year than the benchmark asked for.
    """
    ours = _NAMES[benchmark]
    foreign = [name for name in names if match_name(name, ours) is None]
    found = {
        year: [name for name in foreign if match_name(name, _NAMES[year]) is not None]
        for year in _NAMES
    }
    best = max(found, key=lambda year: len(found[year]))
    if found[best]:
        raise SourceError(
            f"{root}: {len(found[best])} of its sequences, such as {found[best][0]}, are "
            f"{best.upper()}'s and not {benchmark.upper()}'s, and EAO averages over other lengths "
            f"there. Pass --benchmark {best}, or --root with the sequences of one year"
        )


def _record(
    name: str, eao_lengths: tuple[int, int], printed: Table | None = None
) -> BenchmarkRecord:
    return BenchmarkRecord(
        title=name.upper(),
        official_names=_NAMES[name],
        read=partial(read_vot, benchmark=name),
        protocol="supervised",
        eao_lengths=eao_lengths,
        forbidden_groups={"got10k": excluded_videos()},
        printed=printed,
    )


VOT2016 = _record("vot2016", (108, 371))
VOT2018 = _record("vot2018", (100, 356), _PRINTED_2018)
VOT2019 = _record("vot2019", (46, 291))
