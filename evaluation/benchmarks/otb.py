"""OTB100: short videos of one target each; Jogging and Skating2 hold two.

OTB50 are the 50 harder ones of its sequences, OTB2013 the 51 of the benchmark's first version.

Read from ``<root>/<Sequence>/``:
    img/0001.jpg ...           frames
    groundtruth_rect.txt       one ``x,y,w,h`` line per frame, by comma, tab or blanks, from pixel 1
    groundtruth_rect.1.txt     and .2, where a folder holds several targets: they alone count then
    attrs.txt                  attributes such as ``SV, OCC``; else those of otb_attributes.json

Any folder of that shape is read, so that a part of OTB100 or one's own videos can be evaluated too.
"""

import json
import logging
import re
from collections.abc import Collection
from functools import partial
from pathlib import Path

from commands.page import Table
from datasets.box_files import decode_text
from datasets.files import RawFiles
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.image_folders import read_image_folder
from evaluation.results.names import match_name
from evaluation.sequences import BenchmarkSequence

logger = logging.getLogger(__name__)

_RANGES = {
    "BlurCar1": (247, 988),
    "BlurCar3": (3, 359),
    "BlurCar4": (18, 397),
    "David": (300, 770),
    "Diving": (1, 215),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
    "Tiger1": (6, 354),
}
"""First and last frame number where a folder holds more frames than the benchmark uses."""

ATTRIBUTES = {
    "IV": "Illumination Variation",
    "SV": "Scale Variation",
    "OCC": "Occlusion",
    "DEF": "Deformation",
    "MB": "Motion Blur",
    "FM": "Fast Motion",
    "IPR": "In-Plane Rotation",
    "OPR": "Out-of-Plane Rotation",
    "OV": "Out-of-View",
    "BC": "Background Clutters",
    "LR": "Low Resolution",
}
_PUBLISHED_ATTRIBUTES: dict[str, str] = json.loads(
    Path(__file__).with_name("otb_attributes.json").read_text(encoding="ascii")
)
"""By sequence, the codes of its attributes."""

_NAMES_100 = """
Basketball Biker Bird1 Bird2 BlurBody BlurCar1 BlurCar2 BlurCar3 BlurCar4 BlurFace BlurOwl Board
Bolt Bolt2 Box Boy Car1 Car2 Car24 Car4 CarDark CarScale ClifBar Coke Couple Coupon Crossing Crowds
Dancer Dancer2 David David2 David3 Deer Diving Dog Dog1 Doll DragonBaby Dudek FaceOcc1 FaceOcc2 Fish
FleetFace Football Football1 Freeman1 Freeman3 Freeman4 Girl Girl2 Gym Human2 Human3 Human4-2 Human5
Human6 Human7 Human8 Human9 Ironman Jogging-1 Jogging-2 Jump Jumping KiteSurf Lemming Liquor Man
Matrix Mhyang MotorRolling MountainBike Panda RedTeam Rubik Shaking Singer1 Singer2 Skater Skater2
Skating1 Skating2-1 Skating2-2 Skiing Soccer Subway Surfer Suv Sylvester Tiger1 Tiger2 Toy Trans
Trellis Twinnings Vase Walking Walking2 Woman
"""
NAMES_100 = tuple(_NAMES_100.split())
_NAMES_50 = """
Basketball Biker Bird1 BlurBody BlurCar2 BlurFace BlurOwl Bolt Box Car1 Car4 CarDark CarScale
ClifBar Couple Crowds David Deer Diving DragonBaby Dudek Football Freeman4 Girl Human3 Human4-2
Human6 Human9 Ironman Jump Jumping Liquor Matrix MotorRolling Panda RedTeam Shaking Singer2 Skating1
Skating2-1 Skating2-2 Skiing Soccer Surfer Sylvester Tiger2 Trellis Walking Walking2 Woman
"""
_NAMES_2013 = """
Basketball Bolt Boy Car4 CarDark CarScale Coke Couple Crossing David David2 David3 Deer Dog1 Doll
Dudek FaceOcc1 FaceOcc2 Fish FleetFace Football Football1 Freeman1 Freeman3 Freeman4 Girl Ironman
Jogging-1 Jogging-2 Jumping Lemming Liquor Matrix Mhyang MotorRolling MountainBike Shaking Singer1
Singer2 Skating1 Skiing Soccer Subway Suv Sylvester Tiger1 Tiger2 Trellis Walking Walking2 Woman
"""

_PRINTED = Table(
    caption="Printed: the paper's Table III, variants of DCFFNet on OTB100",
    columns=("variant", "AUC", "precision", "FPS"),
    rows=(
        ("Baseline", 0.612, 0.793, 106.0),
        ("CF-1st", 0.633, 0.861, 57.0),
        ("CF-2nd", 0.621, 0.850, 79.0),
        ("CF-double", 0.659, 0.897, 39.0),
    ),
    digits=(3, 3, 0),
    higher_is_better=(True, True),
)


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
        if found := targets.get(number, targets.get("")):
            return {published: found}
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
    codes = _PUBLISHED_ATTRIBUTES.get(name, "")
    if files.exists(listed):
        codes = decode_text(files.read(listed), where=files.where(listed)).replace(",", " ")
    return read_image_folder(
        files,
        f"{folder}/img",
        f"{folder}/{truth_name}",
        name=name,
        span=_RANGES.get(name),
        attributes=tuple(ATTRIBUTES.get(code, code) for code in codes.split()),
    )


def read_listed(files: RawFiles, names: Collection[str]) -> list[BenchmarkSequence]:
    """Return the sequences of a list, as `read_otb` reads them."""
    return [sequence for sequence in read_otb(files) if sequence.name in names]


def _part(title: str, names: str) -> BenchmarkRecord:
    listed = tuple(names.split())
    return BenchmarkRecord(
        title=title, official_names=listed, read=partial(read_listed, names=listed)
    )


OTB100 = BenchmarkRecord(title="OTB100", official_names=NAMES_100, read=read_otb, printed=_PRINTED)
OTB50 = _part("OTB50", _NAMES_50)
OTB2013 = _part("OTB2013", _NAMES_2013)
