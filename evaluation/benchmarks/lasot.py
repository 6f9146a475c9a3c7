"""LaSOT: the 280 videos of the official test split.

Read from ``<root>/<class>/<class>-<n>/`` (also with the class folder doubled), as the training
source is: ``img/00000001.jpg``, ``groundtruth.txt``, ``full_occlusion.txt``, ``out_of_view.txt``.
A frame with either flag is absent.
"""

import json
from pathlib import Path

from commands.page import Table
from datasets.box_files import decode_text, parse_boxes, parse_flags
from datasets.files import RawFiles
from datasets.sources import lasot as source
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.sequences import BenchmarkSequence


def _test_names() -> tuple[str, ...]:
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
    for name in LASOT.official_names:
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


_PRINTED = Table(
    caption="Printed: the paper's Table II, LaSOT ('Ours' is the paper's DCFFNet)",
    columns=("tracker", "AUC", "FPS"),
    rows=(
        ("CSRDCF", 0.244, 13.0),
        ("CFNet", 0.275, 75.0),
        ("Staple", 0.243, 80.0),
        ("ECO-hc", 0.304, 60.0),
        ("ECO", 0.324, 8.0),
        ("SiamFC", 0.336, 86.0),
        ("VITAL", 0.390, 1.0),
        ("MDNet", 0.397, 1.0),
        ("SiamRPN", 0.432, 160.0),
        ("SPM", 0.471, 120.0),
        ("Ours", 0.427, 39.0),
    ),
    digits=(3, 0),
    higher_is_better=(True,),
)

LASOT = BenchmarkRecord(
    title="LaSOT testing set",
    official_names=_test_names(),
    read=read_lasot,
    source="lasot",
    printed=_PRINTED,
)
