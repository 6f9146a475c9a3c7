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

from commands.pages.page import Table
from datasets.box_files import parse_boxes, read_flags, read_text
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.sources.got10k import excluded_videos
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.published import names_of, printed_table
from evaluation.regions import rectangles_to_polygons
from evaluation.results.names import match_name
from evaluation.sequences import BenchmarkSequence

_NAMES = {name: names_of(name) for name in ("vot2016", "vot2018", "vot2019")}


def read_vot(files: RawFiles, benchmark: str) -> list[BenchmarkSequence]:
    """Return every sequence that ``list.txt`` names, or every folder with ground truth.

    Raises:
        SourceError: A named sequence is missing or damaged, or another year than the benchmark's
            lies there.
    """
    if files.exists("list.txt"):
        listed = read_text(files, "list.txt").split()
    else:
        listed = [name for name in files.list("") if files.exists(f"{name}/groundtruth.txt")]
    _check_year(benchmark, listed, root=files.root)
    return [_read_sequence(files, name) for name in listed]


def _read_sequence(files: RawFiles, name: str) -> BenchmarkSequence:
    where = files.where(f"{name}/groundtruth.txt")
    text = read_text(files, f"{name}/groundtruth.txt")
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
    flags = read_flags(files, name)[:num_frames]
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
    by_year = {
        year: [name for name in foreign if match_name(name, _NAMES[year]) is not None]
        for year in _NAMES
    }
    best = max(by_year, key=lambda year: len(by_year[year]))
    if by_year[best]:
        raise SourceError(
            f"{root}: {len(by_year[best])} of its sequences, such as {by_year[best][0]}, are "
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
VOT2018 = _record("vot2018", (100, 356), printed_table("vot2018"))
VOT2019 = _record("vot2019", (46, 291))
