"""Attributes that come along: those of OTB and LaSOT, and tables and plots of them."""

import json
from pathlib import Path

import numpy as np

from commands.pages.tables import Estimate, Table, mark_best
from datasets.files import open_root
from evaluation.benchmarks.lasot import LASOT_ALL
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.benchmarks.otb import ATTRIBUTES, NAMES_100, read_otb
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import mean_curves, measure
from evaluation.onepass.scores import TrackerScore
from evaluation.onepass.tables import attribute_scores, attribute_tables


def write_sequence(root: Path, name: str) -> None:
    (root / name / "img").mkdir(parents=True)
    (root / name / "groundtruth_rect.txt").write_text("1,2,3,4\n1,2,3,4\n")
    for number in (1, 2):
        (root / name / f"img/{number:04d}.jpg").write_bytes(b"")


def test_a_copy_without_attributes_has_the_published_ones(tmp_path: Path) -> None:
    write_sequence(tmp_path, "Biker")
    write_sequence(tmp_path, "mine")
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
    assert counts == {"SV": 64, "LR": 9}  # as papers print them
    assert sum("FOC" in each.split() for each in lasot.values()) == 542


def test_the_attributes_are_those_of_the_check_set(shared: Path) -> None:
    truth = json.loads((shared / "check/otb100/gt.json").read_text())
    folder = Path(__file__).parents[3] / "evaluation/benchmarks"
    ours = json.loads((folder / "otb_attributes.json").read_text())
    for name, each in truth.items():
        assert set(each["attr"]) == {ATTRIBUTES[code] for code in ours[name].split()}, name


def made_score(tracker: str, shifts: dict[str, float]) -> TrackerScore:
    truth = np.tile([50.0, 50.0, 20.0, 20.0], (30, 1))
    rules = CONVENTIONS["otb"]
    curves = {
        name: measure(truth + np.array([shift, 0, 0, 0]), truth, convention=rules)
        for name, shift in shifts.items()
    }
    return TrackerScore(
        tracker=tracker,
        per_sequence=curves,
        total=mean_curves(list(curves.values())),
        measures=rules.measures,
    )


def test_a_table_by_attribute_is_the_table_of_its_sequences(tmp_path: Path) -> None:
    names = ("Biker", "Bird1", "Bird2", "BlurBody", "BlurCar2", "BlurFace", "BlurOwl")
    for name in names:
        write_sequence(tmp_path, name)
    benchmark = open_benchmark("otb100", str(tmp_path))
    scores = [
        made_score("one", {name: 2.0 + index for index, name in enumerate(names)}),
        made_score("other", {name: 8.0 - index for index, name in enumerate(names)}),
    ]
    by_attribute = attribute_scores(benchmark, scores)
    success, precision, normalised = attribute_tables(by_attribute)
    assert [table.columns[1:] for table in (success, precision, normalised)] == 3 * [
        ("one", "other")
    ]
    rows = {str(row[0]): row[1:] for row in success.rows}
    assert next(iter(rows)) == "Fast Motion (7)"
    blurred = [name for name in names if name != "Bird1" and name != "Bird2"]
    value = rows["Motion Blur (5)"][0]
    assert isinstance(value, Estimate)
    assert value.value == np.mean([scores[0].per_sequence[name].auc for name in blurred])
    assert not isinstance(rows["Deformation (3)"][0], Estimate)


def test_the_best_of_a_row_is_marked_and_what_is_no_number_is_not() -> None:
    nan = float("nan")
    best = Estimate(value=0.5, low=0.4, high=0.6)
    table = Table(
        caption="",
        columns=("a", "n", "b", "c"),
        rows=(("x", 9, 0.25, best), ("y", 9, nan, 0.5)),
        best_of_row=2,
    )
    assert mark_best(table) == {(0, 3): "best", (0, 2): "second", (1, 3): "best"}
