"""Ctrl-C: exit code 130, one line that is true of the command, and nothing half-written."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.images import encode_jpeg
from datasets.verify import main as verify
from tests.support import ROOT
from tests.support.builds import build, fingerprint


def interrupt(command: list[str], ready: Callable[[], bool]) -> str:
    """Run a command, send its process group Ctrl-C once it is ready, and return what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stderr is not None
        end = time.monotonic() + 300
        while not ready() and run.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        os.killpg(run.pid, signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == 130, said
    assert "Traceback" not in said
    lines = re.split("[\r\n]+", said.strip())
    assert lines[-1].startswith("ERROR interrupted; "), said
    return lines[-1].removeprefix("ERROR interrupted; ")


def test_tracking_a_file_keeps_nothing_and_starts_anew(tmp_path: Path) -> None:
    frames, out = tmp_path / "frames", tmp_path / "out"
    frames.mkdir()
    jpeg = encode_jpeg(np.full((480, 640, 3), 90, np.uint8))
    for index in range(3000):
        (frames / f"{index}.jpg").write_bytes(jpeg)
    options = ["--tracker", "static", "--video", str(frames), "--box", "20,40,40,30"]
    said = interrupt(
        ["tracking.run", *options, "--out", str(out / "t.mp4")],
        lambda: out.is_dir() and any(out.iterdir()),
    )
    assert said == "the same command starts anew"
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_evaluation_keeps_the_results_that_are_whole(
    sample_world: Path, tmp_path: Path, workers: str
) -> None:
    options = ["--root", str(sample_world / "OTB100"), "--tracker", "mil", "--workers", workers]
    said = interrupt(
        ["evaluation.run", *options, "--results", str(tmp_path / "r"), "--out", str(tmp_path)],
        lambda: (tmp_path / "r/mil/tracker.json").exists(),
    )
    assert said == "results that are whole stay, and the same command tracks the others"
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".tmp")]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_build_keeps_its_whole_shards(sample_world: Path, tmp_path: Path, workers: str) -> None:
    raw, out, other = sample_world / "uav123", tmp_path / "out", tmp_path / "other"
    small = ["--shard-mb", "0.02"]
    options = ["--src", "uav123", "--root", str(raw), "--out", str(out), *small]
    said = interrupt(
        ["datasets.build", *options, "--workers", workers],
        lambda: len(list(out.glob(".build/uav123-*"))) > 0,
    )
    assert said == "shards that are whole stay, and the same command makes the others"
    noted = {path.stem for path in out.glob(".build/uav123-*")}
    kept = {name: (out / name).stat().st_mtime_ns for name in noted}
    assert not (out / "manifest.parquet").exists()
    assert build(raw, out, *small) == build(raw, other, *small) == 0
    assert fingerprint(out) == fingerprint(other)
    assert len(kept) < len(list(out.glob("*.tar")))
    assert all((out / name).stat().st_mtime_ns == made for name, made in kept.items())
    assert verify(["--manifests", str(out / "manifest.parquet")]) == 0
