"""An evaluation on a Dask cluster of real processes, one of which is killed in the middle."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.images import encode_jpeg
from evaluation.run import main
from tests.support import ROOT
from tests.support.cluster import Cluster

pytest.importorskip("distributed")

NUM_SEQUENCES, NUM_FRAMES = 9, 12


def write_benchmark(root: Path) -> Path:
    """Write sequences of noise that MIL takes half a second for."""
    small = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    image = encode_jpeg(np.asarray(cv2.resize(small, (320, 240)), np.uint8))
    for name in "ABCDEFGHI"[:NUM_SEQUENCES]:
        (root / name / "img").mkdir(parents=True)
        for number in range(1, NUM_FRAMES + 1):
            (root / name / f"img/{number:04d}.jpg").write_bytes(image)
        (root / name / "groundtruth_rect.txt").write_text("100,90,60,50\n" * NUM_FRAMES)
    return root


def options(root: Path, out: Path, *more: str) -> list[str]:
    given = ["--root", str(root), "--results", str(out / "results"), "--out", str(out / "report")]
    return [*given, "--tracker", "mil", *more]


def boxes(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("results/mil/*.txt")}


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_tracks_what_one_process_tracks(tmp_path: Path) -> None:
    root, out = write_benchmark(tmp_path / "root"), tmp_path / "there"
    assert main(options(root, tmp_path / "here")) == 0
    with ExitStack() as stack:
        cluster = Cluster(stack, tmp_path)
        given = options(Path("root"), Path("there"), "--cluster", cluster.address)
        process = subprocess.Popen(
            [sys.executable, "-m", "evaluation.run", *given],
            cwd=tmp_path,  # the paths are relative, and the workers' folder is another
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 120
        while not boxes(out):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        cluster.workers[0].kill()
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert f"{NUM_SEQUENCES * NUM_FRAMES}/{NUM_SEQUENCES * NUM_FRAMES}" in errors
    assert boxes(out) == boxes(tmp_path / "here")


def test_no_scheduler_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_benchmark(tmp_path / "root")
    assert main(options(root, tmp_path, "--cluster", "nonsense")) == 1
    assert "nonsense: no Dask scheduler answers" in caplog.text
