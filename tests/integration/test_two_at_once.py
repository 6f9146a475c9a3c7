"""Two commands on one folder: the second stops and names the first, which loses nothing."""

import os
import signal
import socket
from pathlib import Path

import pytest

from datasets.files.lock import only_one
from evaluation.run import main as evaluate
from tests.support.launch import TINY, finish, kill, losses, start, train, wait_for_steps
from trainer.ablate import main as ablate


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    return [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]


def myself() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


@pytest.mark.parametrize("world_size", [1, 2])
def test_the_second_training_stops_and_the_first_is_as_if_it_had_been_alone(
    world_size: int, options: list[str], tmp_path: Path
) -> None:
    folder, alone = tmp_path / "run", tmp_path / "alone"
    first = start([*options, "--out", str(folder), "--seed", "1"], log=tmp_path / "first")
    wait_for_steps(folder, 1)
    kill(first[0], signal.SIGSTOP)  # so that it is there for as long as the second asks
    (tmp_path / "link").symlink_to(folder)
    command = [*options, "--out", str(tmp_path / "link"), "--seed", "2"]
    second = start(command, log=tmp_path / "second", world_size=world_size)
    assert finish(second) == [1] * world_size
    said = (tmp_path / "second.0").read_text()
    assert f"process {first[0].pid} on {socket.gethostname()} is training here" in said
    assert "Traceback" not in said
    if world_size == 2:
        assert "rank 0 cannot start; it says why" in (tmp_path / "second.1").read_text()
    kill(first[0], signal.SIGCONT)
    assert finish(first) == [0]
    train([*options, "--out", str(alone), "--seed", "1"], log=tmp_path / "log")
    assert losses(folder) == losses(alone)
    assert not (folder / ".lock.json").exists()


def test_a_killed_training_frees_its_folder_at_once(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [*options, "--checkpoint-steps", "2", "--out", str(folder)]
    ranks = start(command, log=tmp_path / "log", world_size=2)
    wait_for_steps(folder, 5)
    assert (folder / ".lock.json").exists()
    for rank in ranks:
        kill(rank, signal.SIGKILL)
    finish(ranks)
    train(command, log=tmp_path / "again", world_size=2)
    said = (tmp_path / "again.0").read_text()
    assert "going on from" in said
    assert "watching" not in said


def test_a_second_evaluation_of_a_tracker_stops(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = ["--root", str(sample_world / "OTB100"), "--tracker", "static"]
    given += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    with only_one(tmp_path / "results/static", doing="tracking"):
        assert evaluate(given) == 1
        assert f"{myself()} is tracking here. Wait for it, stop it, or pass" in caplog.text
        assert "another --name" in caplog.text
        assert evaluate([*given, "--name", "other"]) == 0
    assert evaluate(given) == 0


def test_a_second_ablation_stops(
    sample_shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = str(sample_shards / "vid" / "manifest.parquet")
    given = ["--pretrain-manifests", manifest, "--finetune-manifests", manifest]
    with only_one(tmp_path / "all", doing="comparing variants"):
        assert ablate([*given, "--root", "x", "--out", str(tmp_path / "all")]) == 1
    assert f"{myself()} is comparing variants here" in caplog.text
