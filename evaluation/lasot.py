"""LaSOT: the 280 videos of the official test split.

Read from ``<root>/<class>/<class>-<n>/`` (also with the class folder doubled), as the training
source is: ``img/00000001.jpg``, ``groundtruth.txt``, ``full_occlusion.txt``, ``out_of_view.txt``.
A frame with either flag is absent.
"""

import json
from functools import cache
from pathlib import Path

from datasets.box_files import decode_text, parse_boxes, parse_flags
from datasets.files import RawFiles
from datasets.sources import lasot as source
from datasets.tracks import SourceError
from evaluation.sequences import BenchmarkSequence


@cache
def official_names() -> tuple[str, ...]:
    """Return the 280 published names, class by class."""
    path = Path(source.__file__).with_name("lasot_testing_set.json")
    testing: dict[str, list[int]] = json.loads(path.read_text(encoding="ascii"))
    return tuple(f"{category}-{n}" for category, numbers in testing.items() for n in numbers)


def read_lasot(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the test sequences that are under the root.

    Raises:
        SourceError: None is there, or one of them is damaged.
    """
    sequences = []
    bases = [""] if files.exists("airplane") else ["", *(f"{name}/" for name in files.list(""))]
    for name in official_names():
        category = name.rpartition("-")[0]
        candidates = [
            f"{base}{middle}/{name}"
            for base in bases
            for middle in (category, f"{category}/{category}")
        ]
        folder = next((each for each in candidates if files.exists(f"{each}/groundtruth.txt")), "")
        if folder:
            sequences.append(_read_sequence(files, folder, name))
    if not sequences:
        raise SourceError(
            f"{files.root}: none of LaSOT's 280 test videos, such as airplane/airplane-1. Pass "
            "--root with the folder that holds 'airplane'; training videos are not evaluated on"
        )
    return sequences


def _read_sequence(files: RawFiles, folder: str, name: str) -> BenchmarkSequence:
    where = f"{files.root}/{folder}"
    truth = parse_boxes(
        decode_text(files.read(f"{folder}/groundtruth.txt"), where=f"{where}/groundtruth.txt"),
        where=f"{where}/groundtruth.txt",
    )
    full, out = (
        parse_flags(
            decode_text(files.read(f"{folder}/{flags}"), where=f"{where}/{flags}"),
            where=f"{where}/{flags}",
        )
        for flags in ("full_occlusion.txt", "out_of_view.txt")
    )
    if not len(full) == len(out) == len(truth):
        raise SourceError(
            f"{where}: {len(truth)} lines in groundtruth.txt, {len(full)} flags in "
            f"full_occlusion.txt, {len(out)} in out_of_view.txt, expected equally many"
        )
    return BenchmarkSequence(
        name=name,
        frames=tuple(f"{folder}/img/{number:08d}.jpg" for number in range(1, len(truth) + 1)),
        truth=truth,
        absent=full | out,
        group=name,
    )
