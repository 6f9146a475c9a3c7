"""A run that was stopped and started again ends with the weights of one that was not."""

import os
import random
import signal
from pathlib import Path

import pytest
import torch
import tyro
from safetensors.torch import load_file
from tyro.conf import FlagConversionOff

from tests.support.launch import (
    TINY,
    assert_same_run,
    children,
    finish,
    kill,
    losses,
    start,
    train,
    wait_for_steps,
)
from trainer.config import TrainConfig
from trainer.distributed import Ranks
from trainer.output.metrics import read_metrics
from trainer.preemption import StopRequest
from trainer.recipes import expand_recipes
from trainer.setup import Batches, make_learner, open_manifests
from trainer.validation.validate import validate


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    return [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]


SEAMS = [
    *("--optimizer", "adamw", "--schedule.shape", "cosine", "--schedule.warmup-share", "0.2"),
    *("--clip-norm", "1", "--ema", "0.9", "--schedule.rates", "0.001"),
]


@pytest.fixture(scope="module")
def undisturbed(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train([*options, "--out", str(folder)], log=folder.with_name("log"))
    return folder


@pytest.mark.parametrize("more", [[], SEAMS], ids=["plain", "all options"])
def test_sigkill_at_any_step_changes_nothing(
    more: list[str], options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder, expected = tmp_path / "run", undisturbed
    if more:
        expected = tmp_path / "undisturbed"
        train([*options, *more, "--out", str(expected)], log=tmp_path / "log_undisturbed")
    command = [*options, *more, "--out", str(folder), "--checkpoint-steps", "3"]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, random.randint(4, 17))  # any step will do
    kill(process, signal.SIGKILL)
    assert finish([process]) == [-signal.SIGKILL]
    train(command, log=tmp_path / "again")
    assert "going on from" in (tmp_path / "again.0").read_text()
    assert_same_run(folder, expected)


def test_a_run_killed_before_its_first_checkpoint_says_that_it_begins_again(
    options: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--checkpoint-steps", "0", "--out", str(folder)]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, 2)
    kill(process, signal.SIGKILL)
    finish([process])
    train(command, log=tmp_path / "again")
    said = (tmp_path / "again.0").read_text()
    assert f"{folder}: a run stopped there before its first checkpoint" in said
    assert_same_run(folder, undisturbed)


def test_the_average_is_what_is_validated_and_saved(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train([*options, "--ema", "0.9", "--out", str(folder)], log=tmp_path / "log")
    newest = max((folder / "checkpoints").glob("step-*"))
    average = torch.load(newest / "state.pt", weights_only=True)["average"]
    last, raw = load_file(folder / "last.safetensors"), load_file(newest / "weights.safetensors")
    assert all(tensor.equal(average[name]) for name, tensor in last.items())
    assert any(not tensor.equal(raw[name]) for name, tensor in last.items())
    config = tyro.cli(TrainConfig, args=expand_recipes(options), config=(FlagConversionOff,))
    batches = Batches(config, open_manifests(config), Ranks())
    learner = make_learner(config, Ranks(), torch.device("cpu"))
    learner.network.load_state_dict(last)
    report = validate(learner, batches.validation(), batches.known, stop=StopRequest())
    noted = [r for r in read_metrics(folder / "metrics.jsonl") if r["kind"] == "validation"]
    assert report is not None
    assert noted[-1]["loss"] == pytest.approx(report.loss, rel=1e-6)


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
