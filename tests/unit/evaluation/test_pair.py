"""Two trackers compared sequence by sequence, and results shown as a video."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.onepass.pair import longest_run
from evaluation.pair import main as pair
from evaluation.replay import main as replay
from evaluation.results.files import write_boxes
from evaluation.results.folder import find_trackers
from evaluation.run import main as evaluate


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([], (0, 0)), ([0, 0], (0, 0)), ([1, 0, 1, 1, 0, 1, 1], (2, 4)), ([1, 1], (0, 2))],
)
def test_the_longest_run_is_found(flags: list[int], expected: tuple[int, int]) -> None:
    found = longest_run(np.array(flags, dtype=bool))
    assert (found.start, found.stop) == expected


@pytest.fixture
def results(sample_world: Path, tmp_path: Path) -> Path:
    """Return results of a perfect tracker, and of one that loses the target in the middle."""
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    for sequence in benchmark.sequences:
        lost = sequence.truth.copy()
        lost[len(lost) // 2 :, :2] += 500
        write_boxes(tmp_path / f"results/perfect/{sequence.name}.txt", sequence.truth)
        write_boxes(tmp_path / f"results/lost/{sequence.name}.txt", lost)
    return tmp_path / "results"


def test_the_page_has_every_sequence_and_the_frames_where_they_part(
    sample_world: Path, tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(results)]
    argv += ["--out", str(tmp_path / "pair.html")]
    assert pair(argv) == 0
    page = (tmp_path / "pair.html").read_text()
    printed = capsys.readouterr().out
    for sequence in open_benchmark("otb100", str(sample_world / "OTB100")).sequences:
        middle = len(sequence.truth) // 2 + 1
        assert f'<section id="s2">\n<h2>{sequence.name}' in page or sequence.name in page
        (line,) = [line for line in printed.splitlines() if line.startswith(sequence.name)]
        assert line.split()[-2:] == [str(middle), str(len(sequence.truth) - middle + 1)]
    assert "data:image/png;base64" in page
    assert pair([*argv, "--trackers", "perfect"]) == 1


def test_results_are_shown_as_a_video(sample_world: Path, tmp_path: Path, results: Path) -> None:
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    sequence = benchmark.sequences[0]
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(results)]
    argv += ["--sequence", sequence.name, "--out", str(tmp_path / "v.mp4")]
    assert replay(argv) == 0
    video = cv2.VideoCapture(str(tmp_path / "v.mp4"))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == len(sequence.frames)
    write_boxes(results / f"lost/{sequence.name}.txt", sequence.truth[:1])
    assert replay(argv) == 1


def test_numbered_names_are_runs_of_one_tracker(
    sample_world: Path, tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / "perfect").rename(results / "mine-0")
    (results / "lost").rename(results / "mine-1")
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    (found,) = find_trackers(results, benchmark.all_names)
    assert (found.name, found.num_runs) == ("mine", 2)
    assert found.is_named("mine-1")
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(results)]
    assert evaluate([*argv, "--out", str(tmp_path / "report"), "--trackers", "mine-1"]) == 0
    assert "2 runs, AUC +-" in capsys.readouterr().out
    page = (tmp_path / "report/report.html").read_text()
    assert "mine, 2 runs: standard deviation" in page
    (results / "mine-0").rename(results / "mine-3")
    assert len(find_trackers(results, benchmark.all_names)) == 2
