"""Sequences in lockstep: the boxes of one at a time, also after a kill; options that exclude it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.run import main
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tests.support import ROOT
from tests.support.launch import children

LENGTHS = {"Couple": 8, "Crossing": 4, "Dog": 6, "Girl": 3, "Bird2": 1}


@pytest.fixture(scope="module")
def root(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first frames of real sequences, one of them a single frame."""
    root = tmp_path_factory.mktemp("otb")
    for name, length in LENGTHS.items():
        (source,) = (shared / "data").glob(f"otb*/{name}")
        (root / name / "img").mkdir(parents=True)
        for frame in sorted((source / "img").iterdir())[:length]:
            os.link(frame, root / name / "img" / frame.name)
        lines = (source / "groundtruth_rect.txt").read_text().splitlines()[:length]
        (root / name / "groundtruth_rect.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module", params=["car", "siamfc"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = build_model(ModelConfig(head=request.param, width=0.02))
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.safetensors"
    save_weights(path, network, provenance={})
    return path


def options(root: Path, weights: Path, out: Path, *more: str) -> list[str]:
    given = ["--root", str(root), "--results", str(out / "results"), "--out", str(out / "report")]
    return [*given, "--weights", str(weights), "--name", "ours", *more]


def boxes(out: Path) -> dict[str, np.ndarray]:
    files = sorted(out.glob("results/ours/*.txt"))
    return {path.name: np.loadtxt(path, delimiter=",", ndmin=2) for path in files}


def assert_same(out: Path, other: Path) -> None:
    ours, theirs = boxes(out), boxes(other)
    assert {name: len(rows) for name, rows in ours.items()} == {
        f"{name}.txt": length for name, length in LENGTHS.items()
    }
    assert ours.keys() == theirs.keys()
    for name, rows in ours.items():
        np.testing.assert_allclose(rows, theirs[name], atol=1e-3)


def test_lockstep_gives_the_boxes_of_one_at_a_time_and_goes_on_after_a_kill(
    root: Path, weights: Path, tmp_path: Path
) -> None:
    assert main(options(root, weights, tmp_path / "one")) == 0
    assert main(options(root, weights, tmp_path / "three", "--batch", "3")) == 0
    assert_same(tmp_path / "one", tmp_path / "three")
    assert not (tmp_path / "three/results/ours/times").exists()
    for name in ("Couple", "Dog", "Bird2"):
        (tmp_path / f"three/results/ours/{name}.txt").unlink()
    assert main(options(root, weights, tmp_path / "three", "--batch", "32")) == 0
    assert_same(tmp_path / "one", tmp_path / "three")


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["car"], indirect=True)
def test_killed_with_processes_that_crop_it_leaves_none_and_goes_on(
    root: Path, weights: Path, tmp_path: Path
) -> None:
    given = options(root, weights, tmp_path / "killed", "--batch", "2", "--workers", "2")
    process = subprocess.Popen([sys.executable, "-m", "evaluation.run", *given], cwd=ROOT)
    wait_until(lambda: len(boxes(tmp_path / "killed")) > 0, process)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert main(given) == 0
    assert main(options(root, weights, tmp_path / "one")) == 0
    assert_same(tmp_path / "one", tmp_path / "killed")


def wait_until(holds: Callable[[], bool], process: "subprocess.Popen[bytes] | None" = None) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert process is None or process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--tracker", "mil"], "--batch: for networks only"),
        (["--weights", "w.safetensors", "--benchmark", "vot2018"], "repetitions must be equal"),
        (["--weights", "w.safetensors", "--cluster", "tcp://h:1"], "--batch and --cluster"),
    ],
)
def test_what_cannot_advance_in_lockstep_is_a_wrong_option(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--batch", "8", *given]) == 2
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in shown
