"""GOT-10k: the 180 videos of the validation part, and the 180 of the test part.

Read from ``<root>/val/`` (or from that folder itself), ``GOT-10k_Val_000001/``:
    00000001.jpg ...    frames
    groundtruth.txt     one ``x,y,w,h`` line per frame
    cover.label         eighths of the target that are visible, 0 to 8 per frame
    meta_info.ini       ``resolution: (width, height)``
The test part, ``test/GOT-10k_Test_000001/``, has frames and the box of the first one.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from datasets.box_files import parse_rows, read_text
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.image_folders import read_first_box
from evaluation.sequences import BenchmarkSequence, read_truth

_VAL_NAMES, _TEST_NAMES = (
    tuple(f"GOT-10k_{part}_{number:06d}" for number in range(1, 181)) for part in ("Val", "Test")
)


def read_got10k(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the validation videos under the root.

    Raises:
        SourceError: A file is missing or damaged.
    """
    return [
        _read_sequence(files, folder, name)
        for folder, name in _find_folders(files, "val", _VAL_NAMES)
    ]


def read_got10k_test(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the test videos under the root.

    Raises:
        SourceError: A file is missing or damaged.
    """
    return [
        read_first_box(*(files, folder, f"{folder}/groundtruth.txt"), name=name, group=name)
        for folder, name in _find_folders(files, "test", _TEST_NAMES)
    ]


def _find_folders(files: RawFiles, part: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield folder and name of the videos of a part that are there."""
    base = f"{part}/" if files.exists(part) else ""
    there = set(files.list(base.rstrip("/")))
    return ((f"{base}{name}", name) for name in names if name in there)


def _read_sequence(files: RawFiles, folder: str, name: str) -> BenchmarkSequence:
    truth = read_truth(files, f"{folder}/groundtruth.txt")
    images = sort_frames(files.list(folder), where=f"{files.root}/{folder}")
    cover_name = f"{folder}/cover.label"
    rows = parse_rows(read_text(files, cover_name), where=files.where(cover_name))
    covers = [value for row in rows.values() for value in row]
    if len(covers) != len(truth):
        raise SourceError(
            f"{files.where(cover_name)}: {len(covers)} numbers, expected {len(truth)}, one per "
            "line of groundtruth.txt. Copy it again"
        )
    return BenchmarkSequence(
        name=name,
        frames=tuple(f"{folder}/{image}" for image in images),
        truth=truth,
        absent=np.array(covers) == 0,
        group=name,
        image_size=_read_size(files, f"{folder}/meta_info.ini"),
    )


def _read_size(files: RawFiles, name: str) -> tuple[int, int]:
    match = re.search(r"resolution:\s*\((\d+),\s*(\d+)\)", read_text(files, name))
    if match is None:
        raise SourceError(
            f"{files.where(name)}: no resolution, expected a line 'resolution: (1920, 1080)'. Copy "
            "it again"
        )
    return int(match[1]), int(match[2])


GOT10K_VAL = BenchmarkRecord(
    title="GOT-10k validation",
    official_names=_VAL_NAMES,
    read=read_got10k,
    convention="got10k_val",
    source="got10k",
)
GOT10K_TEST = BenchmarkRecord(
    title="GOT-10k test",
    official_names=_TEST_NAMES,
    read=read_got10k_test,
    protocol="handed in to GOT-10k",
)
