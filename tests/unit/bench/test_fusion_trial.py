"""The trial of the fusion modules: it goes on where it stopped and says when training takes off."""

import math
from pathlib import Path

import pytest

from bench.fusion.__main__ import main
from bench.fusion.report import Run, draw_curves, make_table

SMALL = [
    *("--presets", "baseline", "--heads", "car", "--seeds", "0"),
    *("--steps", "10", "--batch-size", "1", "--width", "0.02"),
]


def _run(losses: list[float], seed: int = 0) -> Run:
    return Run(
        head="siamfc",
        preset="paper",
        seed=seed,
        settings={},
        losses=losses,
        located=0.5,
        cpu_s_per_step=1.0,
    )


def test_take_off_is_the_first_step_with_a_mean_of_ten_losses_below_the_bound() -> None:
    assert _run([0.7] * 30).takeoff() is None
    assert _run([0.7] * 20 + [0.1] * 20).takeoff() == 23  # 7 x 0.7 and 3 x 0.1 are 0.52 in the mean
    assert _run([0.1] * 10).takeoff() == 10


def test_a_run_that_diverged_is_counted_and_drawn(tmp_path: Path) -> None:
    runs = [_run([0.7] * 20 + [0.1] * 20), _run([0.7] * 5 + [math.nan] * 35, seed=1)]
    assert "| siamfc | `paper` | 2 | 23 | 1 never | nan" in make_table(runs)
    draw_curves(runs, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_repeated_trial_goes_on_and_other_settings_are_kept_apart(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--root", str(shared / "data/coco/tinycoco"), "--out", str(tmp_path), *SMALL]
    log = tmp_path / "runs.jsonl"
    assert main(options) == 0
    first = log.read_text()
    assert main(options) == 0
    assert log.read_text() == first
    capsys.readouterr()
    assert main([*options, "--batch-size", "2"]) == 0
    assert log.read_text().count("\n") == 2
    assert "| car | `baseline` | 1 |" in capsys.readouterr().out


def test_a_trial_shorter_than_the_mean_is_a_wrong_option() -> None:
    assert main(["--steps", "9"]) == 2
