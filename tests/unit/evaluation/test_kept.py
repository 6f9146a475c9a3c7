"""Boxes that were kept for want of an answer: counted, and said wherever the numbers are."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.results.kept import kept_note
from evaluation.run import main
from evaluation.vot.track import repeat_supervised
from tracking.interface import Prediction


class Silent:
    """A tracker that answers every second time."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self.box, self.num_updates = box_xywh, 0

    def update(self, image: np.ndarray) -> Prediction:
        self.num_updates += 1
        return Prediction(self.box, 0.5, kept=self.num_updates % 2 == 0)


def write_sequence(root: Path, name: str, small: set[int]) -> None:
    """Write six frames; some are smaller, where MIL has no answer."""
    (root / name / "img").mkdir(parents=True)
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    for number in range(1, 7):
        part = image[:40, :50] if number in small else image
        cv2.imwrite(str(root / name / f"img/{number:04d}.png"), part)
    (root / name / "groundtruth_rect.txt").write_text("10,10,20,20\n" * 6)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_kept_boxes_are_said_in_the_log_the_table_and_the_report(
    tmp_path: Path,
    workers: str,
    capsys: pytest.CaptureFixture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    root, results, out = tmp_path / "root", tmp_path / "results", tmp_path / "out"
    write_sequence(root, "A", {3, 4})
    write_sequence(root, "B", {6})
    write_sequence(root, "C", set())
    options = ["--benchmark", "otb100", "--root", str(root), "--results", str(results)]
    options += ["--out", str(out), "--tracker", "mil", "--workers", workers]
    said = "frames without an answer, where the box before was kept: 3"
    for _ in range(2):  # the second finds the results there
        caplog.clear()
        assert main(options) == 0
        assert f"mil: {said}" in caplog.text
        assert f"mil ({said})" in capsys.readouterr().out
    assert f"mil: {said}." in (out / "report.html").read_text()
    assert said in json.dumps(json.loads((out / "curves.json").read_text()))


def test_a_sequence_that_is_tracked_again_is_counted_anew(tmp_path: Path) -> None:
    root, results = tmp_path / "root", tmp_path / "results"
    write_sequence(root, "A", {3})
    options = ["--benchmark", "otb100", "--root", str(root), "--results", str(results)]
    options += ["--out", str(tmp_path / "out"), "--tracker", "mil"]
    assert main(options) == 0
    assert kept_note(results / "mil").endswith("kept: 1")
    (results / "mil/A.txt").unlink()
    image = root / "A/img/0003.png"
    image.write_bytes((root / "A/img/0002.png").read_bytes())
    assert main(options) == 0
    assert kept_note(results / "mil") == ""


def test_every_repetition_of_a_supervised_run_counts(sample_world: Path, tmp_path: Path) -> None:
    benchmark = open_benchmark("vot2018", str(sample_world / "vot2018"))
    sequence = benchmark.sequences[0]
    repeat_supervised(Silent(), sequence, benchmark.files, tmp_path)
    names = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert names == [f"{sequence.name}_00{number}.kept" for number in (1, 2, 3)]
    assert int(kept_note(tmp_path).rpartition(" ")[2]) % 3 == 0
