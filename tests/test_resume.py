"""A run that was stopped and started again ends with the weights of one that was not."""

import os
import random
import signal
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.launch import TINY, children, finish, kill, losses, start, train, wait_for_steps


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    return [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]


@pytest.fixture(scope="module")
def undisturbed(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train([*options, "--out", str(folder)], log=folder.with_name("log"))
    return folder


def assert_same_run(folder: Path, other: Path) -> None:
    assert losses(folder) == losses(other)
    ours, theirs = (load_file(path / "last.safetensors") for path in (folder, other))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.equal(theirs[name]), name


def test_sigkill_at_any_step_changes_nothing(
    options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--out", str(folder), "--checkpoint-steps", "3"]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, random.randint(4, 17))  # any step will do
    kill(process, signal.SIGKILL)
    assert finish([process]) == [-signal.SIGKILL]
    train(command, log=tmp_path / "again")
    assert "going on from" in (tmp_path / "again.0").read_text()
    assert_same_run(folder, undisturbed)


@pytest.mark.parametrize("workers", [0, 2])
def test_sigterm_saves_at_once_and_exits_0(
    workers: int, options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--workers", str(workers), "--out", str(folder)]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, 5)
    for worker in children(process.pid):  # clusters send it to every process of a job
        os.kill(worker, signal.SIGTERM)
    kill(process, signal.SIGTERM)
    assert finish([process], seconds=20) == [0]
    assert "stopped and saved at step" in (tmp_path / "log.0").read_text()
    assert 5 <= len(losses(folder)) < 20
    train(command, log=tmp_path / "again")
    assert_same_run(folder, undisturbed)


def test_truncated_newest_checkpoint_falls_back_to_the_one_before(
    options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--out", str(folder), "--checkpoint-steps", "3"]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, 8)
    kill(process, signal.SIGKILL)
    finish([process])
    newest = max((folder / "checkpoints").glob("step-*"))
    state = (newest / "state.pt").read_bytes()
    (newest / "state.pt").write_bytes(state[: len(state) // 2])
    train(command, log=tmp_path / "again")
    said = (tmp_path / "again.0").read_text()
    assert f"{newest}: damaged checkpoint, skipped for the one before: state.pt has" in said
    assert_same_run(folder, undisturbed)


def test_other_options_do_not_go_on_in_the_same_folder(
    options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    command = [*options, "--out", str(undisturbed), "--seed", "3"]
    assert finish(start(command, log=tmp_path / "log")) == [1]
    said = (tmp_path / "log.0").read_text()
    assert "holds a run with other options (--seed: 0 -> 3)" in said


def test_a_complete_run_is_left_alone(
    options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    before = losses(undisturbed)
    train([*options, "--out", str(undisturbed)], log=tmp_path / "log")
    assert "the run is complete" in (tmp_path / "log.0").read_text()
    assert losses(undisturbed) == before
