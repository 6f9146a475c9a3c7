"""UAV20L: 20 long videos from drones, made of UAV123's frames.

Read from UAV123's tree: frames from ``data_seq/UAV123/<sequence>/000001.jpg``, boxes from
``anno/UAV20L/<sequence>.txt``, attributes from ``anno/UAV20L/att/<sequence>.txt``.
"""

import re

from datasets.box_files import check_num_rows, decode_text, parse_boxes
from datasets.files import RawFiles
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.uav123 import read_attributes
from evaluation.sequences import BenchmarkSequence

_TABLE = """
bike1 3085  bird1 2437  car1 2629  car3 1717  car6 4861  car8 2575  car9 1879  car16 1993
group1 4873  group2 2683  group3 5527  person2 2623  person4 2743  person5 2101  person7 2065
person14 2923  person17 2347  person19 4357  person20 1783  uav1 3469
"""
_LENGTHS = {name: int(length) for name, length in re.findall(r"(\w+) (\d+)", _TABLE)}
"""Frames of each sequence: the first ones of the image folder with its name."""


def read_uav20l(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the sequences whose annotation and image folder are under the root.

    Raises:
        SourceError: An annotation is damaged or of another length.
    """
    top = files.list("")
    bases = [""] if "data_seq" in top else [f"{name}/" for name in top]
    return [
        _read_sequence(files, base, name)
        for base in bases
        for name in sorted(set(files.list(f"{base}data_seq/UAV123")) & set(_LENGTHS))
        if files.exists(f"{base}anno/UAV20L/{name}.txt")
    ]


def _read_sequence(files: RawFiles, base: str, name: str) -> BenchmarkSequence:
    annotation = f"{base}anno/UAV20L/{name}.txt"
    where = files.where(annotation)
    truth = parse_boxes(decode_text(files.read(annotation), where=where), where=where)
    length = _LENGTHS[name]
    check_num_rows(files, annotation, len(truth), length, f"frames 1 to {length} of {name}")
    folder = f"{base}data_seq/UAV123/{name}"
    return BenchmarkSequence(
        name=name,
        frames=tuple(f"{folder}/{number:06d}.jpg" for number in range(1, length + 1)),
        truth=truth,
        attributes=read_attributes(files, f"{base}anno/UAV20L/att/{name}.txt"),
        group=name,
    )


UAV20L = BenchmarkRecord(
    title="UAV20L",
    official_names=tuple(_LENGTHS),
    read=read_uav20l,
    source="uav123",
)
