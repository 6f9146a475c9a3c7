"""Attributes that come along: those of OTB and LaSOT, and tables and plots of them."""

import json
from pathlib import Path

import numpy as np

from commands.tables import Table, mark_best
from datasets.files import open_root
from evaluation.benchmarks.lasot import LASOT_ALL
from evaluation.benchmarks.otb import NAMES_100, read_otb
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import measure
from evaluation.onepass.scores import TrackerScore
from evaluation.onepass.tables import attribute_scores, attribute_tables
from evaluation.sequences import BenchmarkSequence
from tests.unit.evaluation.test_otb import write_sequence


def test_a_copy_without_attributes_has_the_published_ones(tmp_path: Path) -> None:
    write_sequence(tmp_path, "Biker", ["1,2,3,4"] * 2, images=range(1, 3))
    write_sequence(tmp_path, "mine", ["1,2,3,4"] * 2, images=range(1, 3))
    biker, mine = read_otb(open_root(str(tmp_path)))
    assert biker.attributes[:2] == ("Scale Variation", "Occlusion")
    assert len(biker.attributes) == 7
    assert mine.attributes == ()
    (tmp_path / "Biker/attrs.txt").write_text("IV, own")
    assert read_otb(open_root(str(tmp_path)))[0].attributes == ("Illumination Variation", "own")


def test_every_published_sequence_has_attributes() -> None:
    folder = Path(__file__).parents[3] / "evaluation/benchmarks"
    otb = json.loads((folder / "otb_attributes.json").read_text())
    lasot = json.loads((folder / "lasot_attributes.json").read_text())
    assert set(otb) == set(NAMES_100)
    assert set(lasot) == set(LASOT_ALL.official_names)
    counts = {code: sum(code in each.split() for each in otb.values()) for code in ("SV", "LR")}
    assert counts == {"SV": 66, "LR": 10}
    assert sum("FOC" in each.split() for each in lasot.values()) == 542


def test_the_attributes_are_those_of_the_check_set(shared: Path) -> None:
    truth = json.loads((shared / "check/otb100/gt.json").read_text())
    folder = Path(__file__).parents[3] / "evaluation/benchmarks"
    ours = json.loads((folder / "otb_attributes.json").read_text())
    for name, each in truth.items():
        assert len(each["attr"]) == len(ours[name].split()), name
