"""Builds that are killed, and two builds at once: the bytes are those of an undisturbed build."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.build import main
from datasets.images import encode_jpeg
from tests.support import ROOT
from tests.support.builds import fingerprint
from tests.support.launch import children

NUM_FRAMES = 240


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a VID tree that takes some seconds to build: one video, all frames the same file."""
    root = tmp_path_factory.mktemp("raw")
    video = "val/ILSVRC2015_val_00000000"
    for folder in ("Data", "Annotations"):
        (root / folder / "VID" / video).mkdir(parents=True)
    small = np.random.default_rng(0).integers(0, 256, (36, 64, 3), np.uint8)
    first = root / f"Data/VID/{video}/000000.JPEG"
    first.write_bytes(encode_jpeg(np.asarray(cv2.resize(small, (640, 360)), np.uint8)))
    for number in range(NUM_FRAMES):
        if number:
            os.link(first, first.with_name(f"{number:06d}.JPEG"))
        (root / f"Annotations/VID/{video}/{number:06d}.xml").write_text(
            "<annotation><size><width>640</width><height>360</height></size><object>"
            "<trackid>0</trackid><name>n1</name><occluded>0</occluded><generated>0</generated>"
            f"<bndbox><xmin>{number}</xmin><ymin>90</ymin><xmax>{number + 90}</xmax>"
            "<ymax>180</ymax></bndbox></object></annotation>"
        )
    return root


def options(raw: Path, out: Path) -> list[str]:
    given = ["--src", "vid", "--root", str(raw), "--out", str(out)]
    return [*given, "--shard-mb", "0.27", "--workers", "2"]


@pytest.fixture(scope="module")
def undisturbed(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole")
    assert main(options(raw, out)[:-2]) == 0
    return fingerprint(out)


def start(raw: Path, out: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "datasets.build", *options(raw, out)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def finished(out: Path) -> dict[str, int]:
    """Return the shards that are recorded as finished, and when they were written."""
    names = [path.name.removesuffix(".parquet") for path in out.glob(".build/*.tar.parquet")]
    return {name: (out / name).stat().st_mtime_ns for name in names}


def wait_for_shards(out: Path, number: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while len(finished(out)) < number:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_builds_go_on_and_redo_only_the_shards_in_flight(
    raw: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    for stop_at in (3, 9):
        process = start(raw, tmp_path)
        wait_for_shards(tmp_path, stop_at, process)
        workers = children(process.pid)
        process.kill()
        process.communicate()
        assert not (tmp_path / "manifest.parquet").exists()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < deadline, "workers outlive their parent"
            time.sleep(0.02)
    before = finished(tmp_path)
    assert 9 <= len(before) < len(undisturbed) - 2
    assert main(options(raw, tmp_path)) == 0
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in before} == before
    assert fingerprint(tmp_path) == undisturbed


def test_a_lost_worker_is_one_line_and_the_next_run_goes_on(
    raw: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    process = start(raw, tmp_path)
    wait_for_shards(tmp_path, 2, process)
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children(process.pid)}
    worker = next(pid for pid, command in commands.items() if "spawn_main" in command)
    os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker process died" in errors
    assert "Traceback" not in errors
    assert main(options(raw, tmp_path)) == 0
    assert fingerprint(tmp_path) == undisturbed


def test_second_build_stops_at_once_and_names_the_first(
    raw: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    first = start(raw, tmp_path)
    wait_for_shards(tmp_path, 1, first)
    first.send_signal(signal.SIGSTOP)  # it must not finish before the second has started
    second = start(raw, tmp_path)
    _, errors = second.communicate(timeout=30)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert f"process {first.pid} on " in errors
    assert first.wait(timeout=60) == 0
    first.communicate()
    assert fingerprint(tmp_path) == undisturbed


def test_ctrl_c_stops_within_seconds_and_the_next_run_goes_on(
    raw: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    process = start(raw, tmp_path)
    wait_for_shards(tmp_path, 2, process)
    for pid in (process.pid, *children(process.pid)):  # a terminal sends it to all of them
        os.kill(pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "shards that are whole stay" in errors
    assert main(options(raw, tmp_path)) == 0
    assert fingerprint(tmp_path) == undisturbed
