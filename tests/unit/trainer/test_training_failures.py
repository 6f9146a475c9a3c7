"""What goes wrong in a run says so, stops all of it, and leaves the checkpoints before it whole."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from model.config import ModelConfig
from model.network import build_model
from sampling.batch import PairBatch
from tests.support.launch import TINY, children, finish, kill, losses, start, train, wait_for_steps
from trainer.config import DataConfig, TrainConfig, TrainingError
from trainer.distributed import Ranks
from trainer.dry_run import dry_run, make_noise
from trainer.learning.learner import Learner
from trainer.learning.optimizer import make_optimizer
from trainer.loop import WaitClock, train_epoch, train_step
from trainer.output.checkpoint import Progress
from trainer.output.journal import Journal
from trainer.output.metrics import JsonLines
from trainer.output.run_folder import RunFolder
from trainer.preemption import StopRequest
from trainer.schedule import ScheduleConfig


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    return [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]


class SmallDisk:
    """A tmpfs of some kB; it can grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, kilobytes: int) -> None:
        mounted = self.folder.is_mount()
        options = f"{'remount,' if mounted else ''}size={kilobytes}k"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("mounting a small tmpfs takes root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    yield SmallDisk(folder)
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up_stops_the_run_and_leaves_whole_checkpoints(
    options: list[str], small_disk: SmallDisk, tmp_path: Path
) -> None:
    plain, folder = tmp_path / "plain", small_disk.folder / "run"
    train([*options, "--out", str(plain)], log=tmp_path / "log_plain")
    (saved,) = sorted((plain / "checkpoints").glob("*-0001"))
    size_kb = sum(path.stat().st_size for path in saved.iterdir()) // 1024
    small_disk.resize(3 * size_kb)
    command = [*options, "--checkpoint-steps", "3", "--keep", "9", "--out", str(folder)]
    assert finish(start(command, log=tmp_path / "log")) == [1]
    said = (tmp_path / "log.0").read_text()
    assert "cannot write a checkpoint: No space left on device" in said
    assert "Traceback" not in said
    assert not list((folder / "checkpoints").glob(".*"))
    small_disk.resize(100 * size_kb)
    train(command, log=tmp_path / "again")
    assert "damaged" not in (tmp_path / "again.0").read_text()
    assert losses(folder) == losses(plain)


def test_a_disk_without_room_shows_before_the_first_step(
    options: list[str], small_disk: SmallDisk, tmp_path: Path
) -> None:
    small_disk.resize(12)
    folder = small_disk.folder / "run"
    codes = finish(start([*options, "--out", str(folder)], log=tmp_path / "log", world_size=2))
    assert codes == [1, 1]
    assert "No space left on device" in (tmp_path / "log.0").read_text()
    assert "rank 0 could not save" in (tmp_path / "log.1").read_text()
    assert losses(folder) == []


def test_a_disk_that_fills_up_under_the_journal_is_one_line(small_disk: SmallDisk) -> None:
    small_disk.resize(12)
    progress = Progress()
    sinks = [JsonLines(small_disk.folder, progress)]
    journal = Journal(small_disk.folder, sinks, batch_size=1, progress=progress)
    message = "cannot write the journal: No space left on device. The checkpoints before it are"

    def write(steps: int) -> None:
        for _ in range(steps):
            journal.write_step(progress, {"loss": 0.5}, rate=0.1, data_wait=0.0)

    with pytest.raises(TrainingError, match=message):
        write(1_000)
    small_disk.resize(100)
    journal.close()


def test_a_folder_that_cannot_be_made_shows_before_the_first_step(
    options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    command = [*options, "--out", str(tmp_path / "file" / "run")]
    assert finish(start(command, log=tmp_path / "log")) == [1]
    said = (tmp_path / "log.0").read_text()
    assert "cannot write a checkpoint: Not a directory. Nothing can be written there" in said


@pytest.mark.parametrize("world_size", [1, 2])
def test_a_loss_that_is_not_finite_stops_all_ranks_and_names_its_pairs(
    world_size: int, options: list[str], tmp_path: Path
) -> None:
    command = [*options, "--schedule.rates", "1e30", "--out", str(tmp_path / "run")]
    command += ["--schedule.epochs", "2"]
    codes = finish(start(command, log=tmp_path / "log", world_size=world_size))
    assert codes == [1] * world_size
    for rank in range(world_size):
        said = (tmp_path / f"log.{rank}").read_text()
        assert "step 1: not finite: loss" in said
        assert "vid-00000" in said
        assert "The weights are as before the step" in said
    assert len(losses(tmp_path / "run")) == 1


def make_tiny_learner(stage: str) -> Learner:
    torch.manual_seed(0)
    config = ModelConfig(width=0.02, head="car" if stage == "finetune" else "siamfc", gain=0.1)
    network = build_model(config)
    network.freeze(stage)
    schedule = ScheduleConfig(rates=(0.1,))
    optimizer = make_optimizer(network, TrainConfig(schedule=schedule))
    return Learner(
        network=network,
        optimizer=optimizer,
        ranks=Ranks(),
        device=torch.device("cpu"),
    )


def test_the_dry_run_changes_nothing(tmp_path: Path) -> None:
    learner = make_tiny_learner("pretrain")
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}
    folder = RunFolder(tmp_path, learner, {"options": {}}, keep=1)
    dry_run(learner, folder, TrainConfig(batch_size=2))
    for name, value in learner.network.state_dict().items():
        assert value.equal(before[name]), name
    assert learner.optimizer.state_dict()["state"] == {}
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_batch_that_does_not_fit_into_memory_shows_before_the_first_step(tmp_path: Path) -> None:
    pairs = 10**8
    config = TrainConfig(batch_size=pairs, data=DataConfig(pairs_per_epoch=pairs))
    learner = make_tiny_learner("pretrain")
    folder = RunFolder(tmp_path, learner, {"options": {}}, keep=1)
    with pytest.raises(TrainingError, match="--batch-size 100000000: a step on 100000000 pairs"):
        dry_run(learner, folder, config)


def test_the_frozen_trunk_makes_no_graph() -> None:
    network = make_tiny_learner("finetune").network.train()
    batch = make_noise(1, seed=0)
    kept: list[bool] = []
    trunk: list[nn.Module] = network.backbone.trunk()  # type: ignore[operator]
    for module in trunk:
        module.register_forward_hook(
            lambda module, inputs, output: kept.append(output.requires_grad)
        )
    outputs = network(batch.template, batch.search)
    assert outputs["logits"].requires_grad
    assert kept
    assert not any(kept)


def test_waiting_for_data_is_measured() -> None:
    def slow() -> Iterator[int]:
        for item in range(5):
            time.sleep(0.02)
            yield item

    clock = WaitClock()
    for _ in clock.watch(slow()):  # type: ignore[arg-type]
        time.sleep(0.02)
    assert 0.2 < clock.share < 0.8


@pytest.mark.parametrize(("slow", "warned"), [({0}, False), ({0, 1, 2}, True)])
def test_an_epoch_that_waits_for_its_loader_says_what_to_raise(
    slow: set[int], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def batches() -> Iterator[PairBatch]:
        for index in range(3):
            if index in slow:
                time.sleep(step_s)
            yield made[index]

    made = [make_noise(1, seed=seed) for seed in range(3)]
    learner = make_tiny_learner("finetune")
    train_step(learner, made[0], rate=0.0)
    start = time.perf_counter()
    train_step(learner, made[0], rate=0.0)
    step_s = time.perf_counter() - start  # a wait as long as a step, however busy the machine is
    progress = Progress()
    finished = train_epoch(
        learner,
        batches(),
        progress,
        rate_at=lambda step: 0.0,
        journal=Journal(Path(), [], batch_size=1, progress=progress),
        stop=StopRequest(),
        after_step=lambda: None,
    )
    assert finished
    said = [message for message in caplog.messages if "for the loader; raise --workers" in message]
    assert len(said) == warned  # the first batch starts the loader and does not count


def test_killed_while_saving_leaves_the_checkpoints_before(
    options: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--checkpoint-steps", "1", "--keep", "2", "--out", str(folder)]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, 6)
    kill(process, signal.SIGKILL)
    finish([process])
    (folder / "checkpoints" / ".step-00000099-epoch-0000.1.tmp").mkdir()
    train(command, log=tmp_path / "again")
    assert len(list((folder / "checkpoints").iterdir())) == 2


def test_a_killed_loader_worker_stops_the_run_with_one_line(
    options: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--workers", "1", "--checkpoint-steps", "2", "--out", str(folder)]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, 5)
    for worker in children(process.pid):
        os.kill(worker, signal.SIGKILL)
    assert finish([process], seconds=30) == [1]
    said = (tmp_path / "log.0").read_text()
    assert "ended with code -9 while it made pairs" in said
    assert "Traceback" not in said
    train(command, log=tmp_path / "again")
    assert "going on from" in (tmp_path / "again.0").read_text()
