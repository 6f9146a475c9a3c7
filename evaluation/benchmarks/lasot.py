"""LaSOT: the 280 videos of the official test split, all 1,400, and the extension of 150.

Read from ``<root>/<class>/<class>-<n>/`` (also with the class folder doubled), as the training
source is: ``img/00000001.jpg``, ``groundtruth.txt``, ``full_occlusion.txt``, ``out_of_view.txt``.
A frame with either flag is absent. Attributes of the 1,400 are in ``lasot_attributes.json``.
"""

import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from commands.pages.page import Table
from datasets.box_files import read_flags
from datasets.files import RawFiles
from datasets.sources import lasot as source
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.published import FACTS, attribute_codes, names_of, printed_table
from evaluation.sequences import BenchmarkSequence, read_truth

_TESTING: dict[str, list[int]] = json.loads(
    Path(source.__file__).with_name("lasot_testing_set.json").read_text(encoding="ascii")
)
"""By class, the numbers of its videos in the official test split."""

ATTRIBUTES: dict[str, str] = FACTS["attributes"]["lasot"]
_CODES = attribute_codes("lasot")


def _all_names(categories: Iterable[str], num_videos: int) -> tuple[str, ...]:
    return tuple(f"{name}-{number}" for name in categories for number in range(1, num_videos + 1))


def read_lasot(files: RawFiles, names: Sequence[str], *, what: str) -> list[BenchmarkSequence]:
    """Return the listed sequences that are under the root; ``what`` names the list in errors.

    Raises:
        SourceError: None is there, or one of them is damaged.
    """
    sequences = []
    first = names[0].rpartition("-")[0]
    bases = [""] if files.exists(first) else ["", *(f"{name}/" for name in files.list(""))]
    for name in names:
        category = name.rpartition("-")[0]
        candidates = [
            f"{base}{middle}/{name}"
            for base in bases
            for middle in (category, f"{category}/{category}")
        ]
        folder = next((path for path in candidates if files.exists(f"{path}/groundtruth.txt")), "")
        if folder:
            sequences.append(_read_sequence(files, folder, name))
    if not sequences:
        raise SourceError(
            f"{files.root}: none of LaSOT's {len(names)} {what}, such as {first}/{names[0]}. Pass "
            f"--root with the folder that holds {first!r}; other videos are not evaluated on"
        )
    return sequences


def _read_sequence(files: RawFiles, folder: str, name: str) -> BenchmarkSequence:
    truth = read_truth(files, f"{folder}/groundtruth.txt")
    full = read_flags(files, f"{folder}/full_occlusion.txt")
    out = read_flags(files, f"{folder}/out_of_view.txt")
    if not len(full) == len(out) == len(truth):
        raise SourceError(
            f"{files.root}/{folder}: {len(truth)} lines in groundtruth.txt, {len(full)} flags in "
            f"full_occlusion.txt, {len(out)} in out_of_view.txt, expected equally many"
        )
    return BenchmarkSequence(
        name=name,
        frames=tuple(f"{folder}/img/{number:08d}.jpg" for number in range(1, len(truth) + 1)),
        truth=truth,
        absent=full | out,
        attributes=tuple(ATTRIBUTES[code] for code in _CODES.get(name, "").split()),
        group=name,
    )


def _record(
    title: str, names: tuple[str, ...], what: str, *, source: str, printed: Table | None = None
) -> BenchmarkRecord:
    return BenchmarkRecord(
        title=title,
        official_names=names,
        read=partial(read_lasot, names=names, what=what),
        source=source,
        printed=printed,
    )


LASOT = _record(
    "LaSOT testing set",
    tuple(f"{category}-{n}" for category, numbers in _TESTING.items() for n in numbers),
    "test videos",
    source="lasot",
    printed=printed_table("lasot"),
)
LASOT_ALL = _record("LaSOT", _all_names(_TESTING, 20), "videos", source="lasot")
LASOT_EXTENSION = _record(
    "LaSOT extension",
    _all_names(names_of("lasot_extension"), 10),
    "extension videos",
    source="lasot_extension",
)
