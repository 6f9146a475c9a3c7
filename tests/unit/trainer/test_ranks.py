"""Several processes compute what one computes, and none outlives or waits for a lost one."""

import signal
from pathlib import Path
from typing import Literal

import pytest
import torch
import torch.distributed as dist

from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tests.support.launch import (
    TINY,
    assert_same_curve,
    finish,
    free_port,
    kill,
    losses,
    rank_environments,
    start,
    start_rank,
    train,
    wait_for_steps,
)
from trainer.distributed import open_ranks
from trainer.learning.batchnorm import use_global_batchnorm

DCFFNET = [
    *("--model.template", "zero_mean", "--model.gain", "0.1", "--data.pairs-per-epoch", "16"),
    *("--schedule.epochs", "1", "--schedule.rates", "0.001"),
]


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    manifest = str(sample_shards / "vid" / "manifest.parquet")
    return [*TINY, "--manifests", manifest, "--schedule.rates", "0.001"]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return weights of a tiny DCFFNet as stage 1 leaves them."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "stage1.safetensors"
    save_weights(
        path, build_model(ModelConfig(width=0.02, template="zero_mean", gain=0.1)), provenance={}
    )
    return path


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_a_group_of_one_adds_up_in_the_memory_of_host_and_device(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = {"WORLD_SIZE": "1", "RANK": "0", "MASTER_ADDR": "127.0.0.1"}
    for name, value in (group | {"MASTER_PORT": str(free_port())}).items():
        monkeypatch.setenv(name, value)
    with open_ranks(torch.device(device)) as ranks:  # over NCCL on a GPU
        assert (ranks.rank, ranks.size) == (0, 1)
        for where in {"cpu", device}:
            total = torch.arange(3.0, device=where)
            dist.all_reduce(total)
            assert total.tolist() == [0, 1, 2]
    assert not dist.is_initialized()


SEAMS = ["--clip-norm", "1", "--ema", "0.9", "--schedule.shape", "cosine"]


def test_1_2_and_4_processes_have_the_same_loss_curve(options: list[str], tmp_path: Path) -> None:
    curves = []
    for world_size in (1, 2, 4):
        folder = tmp_path / f"run{world_size}"
        command = [*options, "--schedule.epochs", "3", "--out", str(folder)]
        train(command, log=tmp_path / f"log{world_size}", world_size=world_size)
        curves.append(losses(folder))
    assert len(curves[0]) == 30
    assert_same_curve(curves[1], curves[0])
    assert_same_curve(curves[2], curves[0])


def save_gradients(stage: str, path: str) -> None:
    """Write the gradients of a DCFFNet in float64 on this rank's share of four fixed pairs."""
    torch.manual_seed(0)
    with open_ranks(torch.device("cpu")) as ranks:
        head: Literal["siamfc", "car"] = "car" if stage == "finetune" else "siamfc"
        network = build_model(ModelConfig(width=0.02, gain=0.1, head=head)).double()
        use_global_batchnorm(network, ranks)
        network.freeze(stage)
        network.train()
        z, x = torch.randn(4, 3, 127, 127).double(), torch.randn(4, 3, 255, 255).double()
        share = slice(4 * ranks.rank // ranks.size, 4 * (ranks.rank + 1) // ranks.size)
        outputs = network(z[share], x[share])
        sum(output.double().square().sum() for output in outputs.values()).backward()
        ranks.sum_gradients(network.trainable_parameters())
        named = network.named_parameters()
        torch.save({name: each.grad for name, each in named if each.grad is not None}, path)


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_the_gradient_is_that_of_the_global_batch(stage: str, tmp_path: Path) -> None:
    found = []
    for world_size in (1, 2):
        paths = [str(tmp_path / f"{world_size}-{rank}") for rank in range(world_size)]
        ranks = [
            start_rank(save_gradients, stage, path, environment=environment)
            for path, environment in zip(paths, rank_environments(world_size), strict=True)
        ]
        assert finish(ranks) == [0] * world_size
        found += [torch.load(path, weights_only=True) for path in paths]
    alone, first, second = found
    assert alone.keys() == first.keys()
    for name, gradient in alone.items():
        assert first[name].equal(second[name]), name
        scale = gradient.abs().max().clamp(min=1e-6)
        assert (first[name] - gradient).abs().max() / scale < 1e-5, name


@pytest.mark.parametrize("more", [[], ["--trunk-rate", "0.1", *SEAMS]], ids=["frozen", "trunk"])
def test_finetuning_has_the_same_curve_on_2_processes(
    more: list[str], options: list[str], pretrained: Path, tmp_path: Path
) -> None:
    curves = []
    for world_size in (1, 2):
        folder = tmp_path / f"run{world_size}"
        command = ["--recipe", "paper-finetune-aug", *DCFFNET, "--out", str(folder)]
        command += ["--init-weights", str(pretrained), *more]
        train([*options, *command], log=tmp_path / f"log{world_size}", world_size=world_size)
        curves.append(losses(folder))
    assert len(curves[0]) == 4
    assert_same_curve(curves[1], curves[0])


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
    assert_same_curve(losses(moved), losses(alone))


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
