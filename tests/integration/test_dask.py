"""A build on a Dask cluster of real processes, one of which is killed in the middle."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.build import main
from datasets.executors import open_cluster
from datasets.files import open_root
from datasets.images import encode_jpeg
from datasets.tracks import SourceError
from tests.support import ROOT
from tests.support.builds import fingerprint
from tests.support.cluster import Cluster

pytest.importorskip("distributed")

NUM_IMAGES = 256


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a COCO tree of large images with one object each."""
    root = tmp_path_factory.mktemp("raw")
    (root / "train2017").mkdir()
    (root / "annotations").mkdir()
    small = np.random.default_rng(0).integers(0, 256, (45, 80, 3), np.uint8)
    first = root / "train2017/000.jpg"
    first.write_bytes(encode_jpeg(np.asarray(cv2.resize(small, (960, 540)), np.uint8)))
    numbers = range(NUM_IMAGES)
    for number in numbers[1:]:
        os.link(first, root / f"train2017/{number:03d}.jpg")
    size = {"width": 960, "height": 540}
    table = {
        "images": [{"id": n, "file_name": f"{n:03d}.jpg", **size} for n in numbers],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [n, 90, 80, 90], "iscrowd": 0}
            for n in numbers
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (root / "annotations/instances_train2017.json").write_text(json.dumps(table))
    return root


def build(raw: Path, out: Path, *options: str) -> list[str]:
    given = ["--src", "coco", "--root", str(raw), "--out", str(out), "--shard-mb", "0.36"]
    return [*given, *options]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack, tmp_path_factory.mktemp("cluster"))


def test_a_cluster_that_loses_a_worker_writes_the_same_bytes(
    raw: Path, cluster: Cluster, tmp_path: Path
) -> None:
    assert main(build(raw, tmp_path / "here")) == 0
    out = tmp_path / "there"
    command = [sys.executable, "-m", "datasets.build", *build(raw, out)]
    process = subprocess.Popen(
        [*command, "--cluster", cluster.address], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob(".build/*.tar.parquet"))) < 3:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    cluster.workers[0].kill()
    (out / ".tmp-coco-000000.tar-of-the-killed").touch()  # in case it was between two files
    assert not (out / "manifest.parquet").exists()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert fingerprint(out) == fingerprint(tmp_path / "here")


def test_the_log_of_a_worker_shows_no_password_of_a_failed_task(cluster: Cluster) -> None:
    with open_cluster(cluster.address) as executor:
        task = executor.submit(open_root, "nonsense://user:hunter2@host/raw")
        with pytest.raises(SourceError, match="nonsense"):
            task.result()
    deadline = time.monotonic() + 20
    while "Compute Failed" not in (log := cluster.log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert "nonsense://***@host/raw" in log
    assert "hunter2" not in log


def test_no_scheduler_is_one_line(
    raw: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(build(raw, tmp_path / "out", "--cluster", "nonsense")) == 1
    assert "nonsense: no Dask scheduler answers" in caplog.text
