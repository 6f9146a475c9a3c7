"""Evaluations that are killed: no process stays behind, and the next run ends as if it had not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.images import encode_jpeg
from evaluation.run import main
from tests.support import ROOT
from tests.support.launch import children

NUM_FRAMES = 30


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return four sequences of noise that MIL takes a second or so for."""
    root = tmp_path_factory.mktemp("otb")
    for index, name in enumerate(("A", "B", "C", "D")):
        folder = root / name
        (folder / "img").mkdir(parents=True)
        small = np.random.default_rng(index).integers(0, 256, (24, 32, 3), np.uint8)
        first = folder / "img/0001.jpg"
        first.write_bytes(encode_jpeg(np.asarray(cv2.resize(small, (320, 240)), np.uint8)))
        for number in range(2, NUM_FRAMES + 1):
            os.link(first, folder / f"img/{number:04d}.jpg")
        (folder / "groundtruth_rect.txt").write_text("100,90,60,50\n" * NUM_FRAMES)
    return root


def options(benchmark: Path, out: Path) -> list[str]:
    given = ["--root", str(benchmark), "--tracker", "mil"]
    return [*given, "--results", str(out / "results"), "--out", str(out / "report")]


@pytest.fixture(scope="module")
def undisturbed(benchmark: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole")
    assert main(options(benchmark, out)) == 0
    return boxes(out)


def boxes(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("results/mil/*.txt")}


def start(benchmark: Path, out: Path) -> "subprocess.Popen[str]":
    """Start with two workers and return after the first sequence."""
    command = [sys.executable, "-m", "evaluation.run", *options(benchmark, out), "--workers", "2"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not boxes(out):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_killed_it_leaves_no_worker_and_goes_on(
    benchmark: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    process = start(benchmark, tmp_path)
    workers = children(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.02)
    assert not (tmp_path / "report").exists()
    before = boxes(tmp_path)
    assert 1 <= len(before) < 4
    assert before.items() <= undisturbed.items()
    assert main(options(benchmark, tmp_path)) == 0
    assert boxes(tmp_path) == undisturbed


def test_ctrl_c_stops_within_seconds_in_one_line(
    benchmark: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    process = start(benchmark, tmp_path)
    for pid in (process.pid, *children(process.pid)):  # a terminal sends it to all of them
        os.kill(pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "results that are whole stay" in errors
    assert "Traceback" not in errors
    assert boxes(tmp_path).items() <= undisturbed.items()


def test_a_lost_worker_is_one_line(benchmark: Path, tmp_path: Path) -> None:
    process = start(benchmark, tmp_path)
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children(process.pid)}
    os.kill(next(pid for pid, text in commands.items() if "spawn_main" in text), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker process died" in errors
    assert "Traceback" not in errors
