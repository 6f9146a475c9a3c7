"""OTB100: short videos of one target each; Jogging and Skating2 hold two.

OTB50 are the 50 harder ones of its sequences, OTB2013 the 51 of the benchmark's first version.

Read from ``<root>/<Sequence>/``:
    img/0001.jpg ...           frames
    groundtruth_rect.txt       one ``x,y,w,h`` line per frame, by comma, tab or blanks, from pixel 1
    groundtruth_rect.1.txt     and .2, where a folder holds several targets: they alone count then
    attrs.txt                  attributes such as ``SV, OCC``; else those of otb_attributes.json

Any folder of that shape is read, so that a part of OTB100 or one's own videos can be evaluated too.
"""

import logging
import re
from collections.abc import Collection
from functools import partial

from datasets.box_files import read_text
from datasets.files import RawFiles
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.image_folders import read_image_folder
from evaluation.benchmarks.published import FACTS, attribute_codes, names_of, printed_table
from evaluation.results.names import match_name
from evaluation.sequences import BenchmarkSequence

logger = logging.getLogger(__name__)

ATTRIBUTES: dict[str, str] = FACTS["attributes"]["otb"]
NAMES_100 = names_of("otb100")
_CODES = attribute_codes("otb")


def read_otb(files: RawFiles) -> list[BenchmarkSequence]:
    """Return every sequence under the root, in the order of the folders' names.

    A folder whose name spells a published one is that sequence, with its range and its targets; of
    two such folders the first counts.

    Raises:
        SourceError: A folder is damaged, or another one than its name says.
    """
    sequences: dict[str, BenchmarkSequence] = {}
    for folder in files.list(""):
        for name, truth_name in _find_truths(files, folder).items():
            if name in sequences:
                where = f"{files.root}/{folder}"
                logger.warning("%s: a second folder of %s, left out", where, name)
            else:
                sequences[name] = _read_sequence(files, folder, name, truth_name)
    return list(sequences.values())


def _find_truths(files: RawFiles, folder: str) -> dict[str, str]:
    """Return the files of ground truth that count, by the names of the sequences."""
    targets = {
        match.group(1) or "": name
        for name in files.list(folder)
        if (match := re.fullmatch(r"groundtruth_rect(?:\.(\d+))?\.txt", name))
    }
    published = match_name(folder, NAMES_100)
    if published is not None:
        # Jogging-1 is a copy of the folder of both targets, made for this one.
        number = published.partition("-")[2]
        if truth_name := targets.get(number, targets.get("")):
            return {published: truth_name}
    numbered = {number: name for number, name in targets.items() if number}
    split = [name.split("-") for name in NAMES_100 if "-" in name]
    base = match_name(folder, {name for name, _ in split})
    if counted := {
        f"{base}-{n}": numbered[n] for name, n in split if name == base and n in numbered
    }:
        return counted
    if numbered and len(numbered) < len(targets):
        where = f"{files.root}/{folder}"
        logger.warning(
            "%s: %s is left out beside %s", where, targets[""], ", ".join(numbered.values())
        )
    if numbered:
        return {f"{folder}-{number}": name for number, name in numbered.items()}
    return {folder: targets[""]} if targets else {}


def _read_sequence(files: RawFiles, folder: str, name: str, truth_name: str) -> BenchmarkSequence:
    listed = f"{folder}/attrs.txt"
    codes = _CODES.get(name, "")
    if files.exists(listed):
        codes = read_text(files, listed).replace(",", " ")
    return read_image_folder(
        files,
        f"{folder}/img",
        f"{folder}/{truth_name}",
        name=name,
        span=FACTS["spans"]["otb100"].get(name),
        attributes=tuple(ATTRIBUTES.get(code, code) for code in codes.split()),
    )


def read_listed(files: RawFiles, names: Collection[str]) -> list[BenchmarkSequence]:
    """Return the sequences of a list, as `read_otb` reads them."""
    return [sequence for sequence in read_otb(files) if sequence.name in names]


def _part(title: str) -> BenchmarkRecord:
    listed = names_of(title.lower())
    return BenchmarkRecord(
        title=title, official_names=listed, read=partial(read_listed, names=listed)
    )


OTB100 = BenchmarkRecord(
    title="OTB100",
    official_names=NAMES_100,
    read=read_otb,
    printed=printed_table("otb100"),
)
OTB50 = _part("OTB50")
OTB2013 = _part("OTB2013")
