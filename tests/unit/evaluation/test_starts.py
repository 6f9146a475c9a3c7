"""TRE and SRE: starts as OTB's toolkit sets them, and curves that pool their frames."""

import math
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import measure
from evaluation.onepass.scores import score_tracker
from evaluation.onepass.starts import SHIFTS, open_experiment, shift_box
from evaluation.results.files import write_boxes
from evaluation.results.folder import find_trackers
from evaluation.run import main


def write_otb(root: Path, name: str, truth: np.ndarray) -> None:
    (root / name / "img").mkdir(parents=True)
    write_boxes(root / name / "groundtruth_rect.txt", truth)
    for number in range(1, len(truth) + 1):
        (root / name / f"img/{number:04d}.jpg").write_bytes(b"")


def made_truth(num_frames: int) -> np.ndarray:
    return np.column_stack(
        [np.arange(1, num_frames + 1), *(np.full(num_frames, 30) for _ in "yhw")]
    )


def matlab_starts(usable: list[int], num_frames: int) -> list[int]:
    """Return the frames of splitSeqTRE.m, counted from 1, in its own steps."""
    end = next(n for n in range(len(usable), 0, -1) if num_frames - usable[n - 1] + 1 >= 20)
    numbers, step = [], 0
    while 1 + step * end / 19 <= end + 1e-9:
        numbers.append(math.floor(1 + step * end / 19 + 1e-9))
        step += 1
    return [usable[number - 1] for number in (*numbers, end)]


@pytest.mark.parametrize("num_frames", [20, 21, 24, 38, 39, 60, 71, 725, 3872])
def test_temporal_starts_are_those_of_the_toolkit(tmp_path: Path, num_frames: int) -> None:
    truth = made_truth(num_frames)
    hidden = [3, 4, 10, 15, num_frames - 1]
    truth[hidden, 2] = 0
    write_otb(tmp_path, "mine", truth)
    (tmp_path / "mine/init_omit.txt").write_text("6 8\n12 13\n")
    benchmark = open_experiment(open_benchmark("otb100", str(tmp_path)), "tre")
    omitted = {6, 7, 8, 12, 13}
    usable = [n for n in range(1, num_frames + 1) if truth[n - 1, 2] > 0 and n not in omitted]
    expected = matlab_starts(usable, num_frames)
    assert [int(each.truth[0, 0]) for each in benchmark.sequences] == expected
    assert all(len(each.frames) == len(each.truth) for each in benchmark.sequences)
    assert benchmark.sequences[0].name == "mine-tre01"
    if num_frames >= 71:
        assert len(expected) == 20


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ("left", (8, 20, 25, 35)),  # ceil(2.5) = 3
        ("right", (14, 20, 25, 35)),
        ("up", (11, 16, 25, 35)),
        ("down", (11, 24, 25, 35)),
        ("topLeft", (9, 17, 27, 38)),  # round(8.5) = 9, round(16.5) = 17
        ("topRight", (11, 17, 28, 38)),  # right edge round(35 + 2.5) = 38
        ("bottomLeft", (9, 20, 27, 39)),
        ("bottomRight", (11, 20, 28, 39)),
        ("scale_8", (14, 24, 20, 28)),  # corner (13.5, 23.5)
        ("scale_9", (12, 22, 23, 32)),
        ("scale_11", (10, 18, 28, 39)),
        ("scale_12", (9, 17, 30, 42)),
    ],
)
def test_spatial_starts_are_those_of_the_toolkit(shift: str, expected: tuple[int, ...]) -> None:
    """The numbers are shiftInitBB.m's on [11 20 25 35], computed by hand."""
    box = shift_box(np.array([11.0, 20.0, 25.0, 35.0]), shift, (640, 480))
    assert box.tolist() == list(expected)


def test_a_shifted_box_stays_inside_the_image() -> None:
    for shift in SHIFTS:
        x, y, w, h = shift_box(np.array([1.0, 1.0, 100.0, 50.0]), shift, (100, 50))
        assert x >= 1
        assert y >= 1
        assert x + w - 1 <= 100
        assert y + h - 1 <= 50


def test_a_curve_of_starts_pools_their_frames(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for name, num_frames in (("one", 30), ("two", 64)):
        write_otb(tmp_path / "root", name, made_truth(num_frames))
    benchmark = open_experiment(open_benchmark("otb100", str(tmp_path / "root")), "tre")
    predicted = {
        each.name: each.truth + rng.normal(0, 6, each.truth.shape) for each in benchmark.sequences
    }
    for name, boxes in predicted.items():
        write_boxes(tmp_path / f"results/mine/{name}.txt", boxes)
    (results,) = find_trackers(tmp_path / "results", benchmark.all_names)
    rules = CONVENTIONS["otb"]
    score = score_tracker(benchmark, results, convention=rules)
    assert list(score.per_sequence) == ["one", "two"]
    for name, curves in score.per_sequence.items():
        starts = [each for each in benchmark.sequences if each.part_of == name]
        counts, total = np.zeros(21), 0
        for each in starts:
            found = measure(predicted[each.name], each.truth, convention=rules)
            counts += np.round(found.success * len(each.frames))
            total += len(each.frames)
        np.testing.assert_allclose(curves.success, counts / total, rtol=0, atol=1e-12)
    both = [each.auc for each in score.per_sequence.values()]
    assert score.total.auc == pytest.approx(np.mean(both), abs=1e-12)


def test_the_command_tracks_from_every_start(
    sample_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path / "results")]
    argv += ["--out", str(tmp_path / "report"), "--tracker", "static", "--experiment", "sre"]
    assert main(argv) == 0
    assert "SRE with" in capsys.readouterr().out
    assert "spatial robustness" in (tmp_path / "report/report.html").read_text()
    assert len(list((tmp_path / "results/static").glob("*-sre-scale11.txt"))) >= 1
    argv = ["--benchmark", "vot2018", "--root", str(sample_world / "vot2018"), *argv[2:]]
    assert main(argv) == 1
