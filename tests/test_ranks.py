"""Several processes compute what one computes, and none outlives or waits for a lost one."""

import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tests.launch import TINY, finish, kill, losses, start, train, wait_for_steps

DCFFNET = [
    *("--model.template", "zero_mean", "--model.gain", "0.1", "--data.pairs-per-epoch", "16"),
    *("--schedule.epochs", "1", "--schedule.rates", "0.01"),
]


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    return [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return weights of a tiny DCFFNet as stage 1 leaves them."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "stage1.safetensors"
    save_weights(
        path, build_model(ModelConfig(width=0.02, template="zero_mean", gain=0.1)), provenance={}
    )
    return path


def test_1_2_and_4_processes_have_the_same_loss_curve(options: list[str], tmp_path: Path) -> None:
    curves = []
    for world_size in (1, 2, 4):
        folder = tmp_path / f"run{world_size}"
        command = [*options, "--schedule.epochs", "3", "--out", str(folder)]
        train(command, log=tmp_path / f"log{world_size}", world_size=world_size)
        curves.append(losses(folder))
    assert len(curves[0]) == 30
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4)
    np.testing.assert_allclose(curves[2], curves[0], rtol=1e-4)


@pytest.mark.parametrize("recipe", ["pretrain", "finetune-aug"])
def test_both_stages_of_dcffnet_are_the_same_on_2_processes(
    recipe: str, options: list[str], pretrained: Path, tmp_path: Path
) -> None:
    curves = []
    for world_size in (1, 2):
        folder = tmp_path / f"run{world_size}"
        command = ["--recipe", recipe, *DCFFNET, "--out", str(folder)]
        if recipe == "finetune-aug":
            command += ["--init-weights", str(pretrained)]
        train([*options, *command], log=tmp_path / f"log{world_size}", world_size=world_size)
        curves.append(losses(folder))
    assert len(curves[0]) == 4
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4)


def test_a_run_goes_on_with_another_number_of_processes(options: list[str], tmp_path: Path) -> None:
    alone, moved = tmp_path / "alone", tmp_path / "moved"
    train([*options, "--out", str(alone)], log=tmp_path / "log_alone")
    command = [*options, "--checkpoint-steps", "5", "--out", str(moved)]
    ranks = start(command, log=tmp_path / "log_two", world_size=2)
    wait_for_steps(moved, 7)
    for rank in ranks:
        kill(rank, signal.SIGKILL)
    finish(ranks)
    train(command, log=tmp_path / "log_one")
    np.testing.assert_allclose(losses(moved), losses(alone), rtol=1e-4)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_killed_rank_stops_the_others_with_an_error_that_names_it(
    lost: int, options: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--schedule.epochs", "50", "--out", str(folder)]
    ranks = start(command, log=tmp_path / "log", world_size=2)
    wait_for_steps(folder, 3)
    kill(ranks[lost], signal.SIGKILL)
    codes = finish(ranks, seconds=30)
    other = 1 - lost
    assert codes[lost] == -signal.SIGKILL
    assert codes[other] == 1
    assert f"rank {other}: rank {lost} of 2 stopped" in (tmp_path / f"log.{other}").read_text()


def test_sigterm_to_one_rank_stops_all_of_them_with_exit_code_0(
    options: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--schedule.epochs", "50", "--out", str(folder)]
    ranks = start(command, log=tmp_path / "log", world_size=2)
    wait_for_steps(folder, 3)
    kill(ranks[1], signal.SIGTERM)
    assert finish(ranks, seconds=30) == [0, 0]
    assert len(list((folder / "checkpoints").glob("step-*"))) == 1
