"""VOT2018's measures: the rasteriser's laws, restarts, and the numbers of published trackers."""

import gzip
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation.benchmarks import BENCHMARKS
from evaluation.regions import overlaps, rectangles_to_polygons, start_box, to_region
from evaluation.results.folder import find_trackers
from evaluation.vot.measures import FAILED, SKIPPED, STARTED, TRACKED, Run, Trial, measure_vot
from evaluation.vot.protocol import is_run_file
from evaluation.vot.result_files import read_runs, write_run

BOUNDS = (319, 239)
NAMES = BENCHMARKS["vot2018"].official_names
LENGTHS = BENCHMARKS["vot2018"].eao_lengths


def test_a_rectangle_covers_the_pixels_from_x_to_x_plus_w() -> None:
    small = rectangles_to_polygons(np.array([[10.0, 20, 4, 9]]))
    large = rectangles_to_polygons(np.array([[10.0, 20, 9, 9]]))
    assert overlaps(small, large, bounds=BOUNDS) == pytest.approx(5 * 10 / (10 * 10))


def test_overlap_is_symmetric_and_one_for_equal_regions() -> None:
    rng = np.random.default_rng(0)
    centers = rng.uniform(40, 180, (200, 1, 2))
    angles = rng.uniform(0, np.pi, (200, 1)) + np.arange(4) * np.pi / 2
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=2) * rng.uniform(5, 30, (200, 1, 1))
    one = (centers + corners).reshape(-1, 8)
    other = one + rng.uniform(-8, 8, (200, 1))
    forth = overlaps(one, other, bounds=BOUNDS)
    np.testing.assert_array_equal(forth, overlaps(other, one, bounds=BOUNDS))
    np.testing.assert_array_equal(overlaps(one, one, bounds=BOUNDS), 1.0)
    alone = [overlaps(a[None], b[None], bounds=BOUNDS)[0] for a, b in zip(one, other, strict=True)]
    np.testing.assert_array_equal(forth, alone)


def test_regions_outside_the_image_or_unknown_do_not_overlap() -> None:
    box = rectangles_to_polygons(np.array([[400.0, 20, 30, 30], [-90.0, 5, 20, 20]]))
    assert overlaps(box, box, bounds=BOUNDS).tolist() == [0.0, 0.0]
    assert np.isnan(overlaps(box * np.nan, box, bounds=BOUNDS)).all()


def test_start_box_keeps_centre_and_area_and_goes_back_to_the_same_pixels() -> None:
    box = np.array([12.0, 7, 30, 20])
    polygon = rectangles_to_polygons(to_region(box)[None])[0]
    np.testing.assert_allclose(start_box(polygon), box, atol=1e-5)
    turned = np.array([20.0, 0, 40, 20, 20, 40, 0, 20])
    x, y, w, h = start_box(turned)
    assert (x + w / 2, y + h / 2) == (20.5, 20.5)
    assert (w - 1) * (h - 1) == pytest.approx(800)


def make_trial(events: list[int]) -> Trial:
    truth = rectangles_to_polygons(np.tile([50.0, 60, 20, 20], (len(events), 1)))
    array = np.array(events, dtype=np.int8)
    regions = np.where((array == TRACKED)[:, None], truth, np.nan)
    return Trial(runs=(Run(events=array, regions=regions),), truth=truth, image_size=(320, 240))


def test_perfect_run_scores_one_and_a_failure_costs_what_follows_it() -> None:
    perfect = make_trial([STARTED] + [TRACKED] * 399)
    score = measure_vot([perfect], eao_lengths=LENGTHS)
    assert (score.accuracy, score.num_failures, score.robustness) == (1.0, 0.0, 0.0)
    assert score.eao == pytest.approx(1.0)
    failed = [STARTED] + [TRACKED] * 150 + [FAILED] + [SKIPPED] * 4 + [STARTED] + [TRACKED] * 243
    score = measure_vot([make_trial(failed)], eao_lengths=LENGTHS)
    assert score.num_failures == 1
    assert score.robustness == pytest.approx(100 / 400)
    assert score.accuracy == 1.0
    assert 0.5 < score.eao < 1.0


def test_runs_are_read_back(tmp_path: Path) -> None:
    box = np.array([1.5, 2, 30, 40])
    path = tmp_path / "t/baseline/bag/bag_001.txt"
    write_run(path, [STARTED, TRACKED, FAILED, SKIPPED], [None, box, None, None])
    assert path.read_text() == "1\n1.5000,2.0000,30.0000,40.0000\n2\n0\n"
    (results,) = find_trackers(tmp_path, NAMES, is_result=is_run_file)
    (run,) = read_runs(results, "bag", 4)
    assert run.events.tolist() == [STARTED, TRACKED, FAILED, SKIPPED]
    np.testing.assert_allclose(run.regions[1], rectangles_to_polygons(box[None])[0])
    with pytest.raises(SourceError, match=r"bag_001.txt: 4 lines, expected 5"):
        read_runs(results, "bag", 5)
    for line in ("1,2,3", "7", "nan,nan,nan,nan", "1,2,3,4,5,6,7,nan"):
        path.write_text(f"1\n\n{line}\n2\n0\n")
        with pytest.raises(SourceError, match=r"bag_001.txt:3: \[.*\], expected a code 0, 1, 2"):
            read_runs(results, "bag", 4)
    path.write_text("1,2,3,4\n" * 4)
    with pytest.raises(SourceError, match=r"bag_001.txt:1: .*, expected the code 1 for the start"):
        read_runs(results, "bag", 4)
    with pytest.raises(SourceError, match=r"/t: no result of ants1"):
        read_runs(results, "ants1", 4)


@pytest.mark.parametrize(
    "tracker",
    ["DaSiamRPN", "SiamCAR", "SynthPoly", pytest.param("SynthRect15", marks=pytest.mark.slow)],
)
def test_measures_are_those_of_the_official_code(
    shared: Path, tmp_path: Path, tracker: str
) -> None:
    folder = shared / "check/vot2018"
    expected = json.loads((shared / "check/expected.json").read_text())["vot2018"][tracker]
    with gzip.open(folder / "VOT2018.json.gz") as file:
        annotation = json.load(file)
    assert tuple(annotation) == NAMES
    with tarfile.open(folder / f"{tracker}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (results,) = find_trackers(tmp_path, NAMES, is_result=is_run_file)
    trials = []
    for name, each in annotation.items():
        truth = np.array(each["gt_rect"], float)
        truth = rectangles_to_polygons(truth) if truth.shape[1] == 4 else truth
        runs = read_runs(results, name, len(truth))
        trials.append(Trial(runs=runs, truth=truth, image_size=(each["width"], each["height"])))
    score = measure_vot(trials, eao_lengths=LENGTHS, ending="pysot")
    pysot = expected["pysot"]
    assert score.accuracy == pytest.approx(pysot["accuracy"], abs=1e-7)
    assert score.robustness == pytest.approx(pysot["robustness"], abs=1e-12)
    assert score.num_failures == pytest.approx(pysot["lost_number"], abs=1e-9)
    assert score.eao == pytest.approx(pysot["eao"], abs=1e-7)
    sequences = [expected["per_sequence"][name] for name in annotation]
    np.testing.assert_allclose(score.accuracies, [s["accuracy"] for s in sequences], atol=1e-7)
    np.testing.assert_allclose(score.failures, [s["failures"] for s in sequences], atol=1e-12)
    if "matlab2018_port" not in expected:
        return
    matlab = measure_vot(trials, eao_lengths=LENGTHS)
    assert matlab.eao == pytest.approx(expected["matlab2018_port"]["eao"], abs=1e-7)
    assert matlab.num_failures == expected["matlab2018_port"]["failures"]
    curve = expected["matlab2018_port"].get("eao_curve_first_400", [])
    np.testing.assert_allclose(matlab.eao_curve[: len(curve)], curve, atol=1e-6)
