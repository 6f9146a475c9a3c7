"""One-pass metrics: laws, hand-made cases, and the numbers of published trackers."""

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation.onepass.conventions import CONVENTIONS, ConventionName, matlab_thresholds
from evaluation.onepass.metrics import Curves, mean_curves, measure

OTB = CONVENTIONS["otb"]
_EVALUATORS: dict[str, ConventionName] = {
    "matlab_otb_lasot_port": "otb",
    "pysot": "pysot",
    "got10k": "got10k",
    "pytracking": "pytracking",
}


def boxes(num_frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corners = rng.integers(1, 200, (num_frames, 2))
    return np.hstack([corners, rng.integers(5, 80, (num_frames, 2))]).astype(np.float64)


def test_perfect_result_scores_20_of_21_because_no_overlap_is_above_1() -> None:
    truth = boxes(50)
    curves = measure(truth, truth, convention=OTB)
    assert curves.auc == pytest.approx(20 / 21, abs=0)
    assert curves.precision_at_20 == 1
    assert curves.normalised.min() == 1


def test_thresholds_are_those_that_matlab_builds_from_both_ends() -> None:
    differing = np.flatnonzero(matlab_thresholds() != np.arange(21) * 0.05)
    assert differing.tolist() == [12, 13, 14, 17, 19]


def test_half_covered_box_counts_up_to_its_overlap() -> None:
    truth = np.array([[1.0, 1, 10, 10]] * 2)
    half = np.array([[1.0, 1, 10, 10], [1.0, 1, 10, 5]])
    curves = measure(half, truth, convention=OTB)
    assert curves.success[:10].tolist() == [1.0] * 10
    assert curves.success[10:20].tolist() == [0.5] * 10
    assert curves.precision[2] == 0.5  # 2.5 px off
    assert curves.precision[3] == 1.0


def test_first_prediction_is_replaced_by_ground_truth() -> None:
    truth = boxes(10)
    predicted = truth.copy()
    predicted[0] = [500, 500, 3, 3]
    assert measure(predicted, truth, convention=OTB).auc == 20 / 21
    assert measure(predicted, truth, convention=CONVENTIONS["pysot"]).precision_at_20 == 0.9


@pytest.mark.parametrize("bad", [[np.nan] * 4, [5, 5, 0, 8], [5, 5, 8, -1]])
def test_prediction_without_area_repeats_the_frame_before(bad: list[float]) -> None:
    truth = np.tile([20.0, 30, 15, 12], (6, 1))
    predicted = truth.copy()
    predicted[3:5] = bad
    assert measure(predicted, truth, convention=OTB).auc == 20 / 21


@pytest.mark.parametrize("unusable", [[np.nan] * 4, [0, 0, 0, 0], [-3, 5, 8, 8]])
def test_unusable_truth_misses_success_and_hits_precision(unusable: list[float]) -> None:
    truth = boxes(10)
    predicted = truth.copy()
    truth[4] = unusable
    curves = measure(predicted, truth, convention=OTB)
    assert curves.success[0] == 0.9
    assert curves.precision[0] == 1.0


def test_absent_frames_are_misses_that_stay_in_the_denominator() -> None:
    truth = boxes(10)
    absent = np.arange(10) >= 6
    curves = measure(truth, truth, convention=OTB, absent=absent)
    assert curves.success[0] == 0.6
    assert curves.precision_at_20 == 0.6


def test_longer_result_is_cut_and_shorter_one_names_both_counts() -> None:
    truth = boxes(10)
    longer = np.vstack([truth, boxes(3, seed=1)])
    assert measure(longer, truth, convention=OTB).auc == 20 / 21
    with pytest.raises(SourceError, match=r"r/Car1.txt: 9 boxes, expected 10"):
        measure(truth[:9], truth, convention=OTB, where="r/Car1.txt")


def test_sequences_weigh_the_same_whatever_their_length() -> None:
    short, long = boxes(2), boxes(100)
    hit = measure(short, short, convention=OTB)
    miss = measure(long + 1000, long, convention=OTB)
    assert mean_curves([hit, miss]).precision_at_20 == (1 + 1 / 100) / 2


@pytest.mark.parametrize("evaluator", _EVALUATORS)
def test_edge_cases_agree_with_every_evaluator(shared: Path, evaluator: str) -> None:
    cases = json.loads((shared / "check/ope_edge.json").read_text())
    num_measured = 0
    for name, case in cases.items():
        expected = case["expected"][evaluator]
        if "raises" in expected:
            continue  # pytracking refuses NaN predictions; we repeat the last one
        num_measured += 1
        absent = None if case["absent"] is None else np.array(case["absent"], bool)
        curves = measure(
            np.array(case["pred"], float),
            np.array(case["gt"], float),
            convention=CONVENTIONS[_EVALUATORS[evaluator]],
            absent=absent,
        )
        for ours, theirs in (
            (curves.success, expected["success"]),
            (curves.precision, expected["precision"]),
            (curves.normalised, expected["norm_precision"]),
            (curves.auc, expected["AUC"]),
            (curves.precision_at_20, expected["P20"]),
            (curves.normalised[20], expected.get("Pnorm02", curves.normalised[20])),
            (curves.normalised.mean(), expected.get("Pnorm_AUC", curves.normalised.mean())),
        ):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9, err_msg=name)
    assert num_measured == (11 if evaluator == "pytracking" else 12)


@pytest.mark.parametrize("tracker", ["KCF", "MEEM", "MOSSE", "SRDCF"])
def test_curves_are_those_that_the_matlab_toolkit_stored(shared: Path, tracker: str) -> None:
    folder = shared / "check/otb100"
    truth = json.loads((folder / "gt.json").read_text())
    stored = json.loads((folder / "matlab/perfMat.json").read_text())[tracker]
    with np.load(folder / f"matlab/{tracker}.npz") as results:
        curves: dict[str, Curves] = {
            name: measure(results[name], np.array(truth[name]["gt_rect"], float), convention=OTB)
            for name in results.files
        }
    assert len(curves) == 100
    for name, each in curves.items():
        np.testing.assert_array_equal(each.success, stored["success"][name], err_msg=name)
        np.testing.assert_array_equal(each.precision, stored["precision"][name], err_msg=name)
    total = mean_curves(list(curves.values()))
    assert total.auc == pytest.approx(stored["AUC"], abs=1e-12)
    assert total.precision_at_20 == pytest.approx(stored["P20"], abs=1e-12)
