"""Under torchrun: a killed rank restarts all of them, and Ctrl-C saves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.launch import TINY, assert_same_curve, children, losses, train, wait_for_steps


@pytest.mark.slow
def test_max_restarts_goes_on_from_the_last_checkpoint(sample_shards: Path, tmp_path: Path) -> None:
    options = [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    options += ["--schedule.rates", "0.001"]
    alone, folder = tmp_path / "alone", tmp_path / "run"
    train([*options, "--out", str(alone)], log=tmp_path / "log")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    launcher += ["--nproc-per-node", "2", "--max-restarts", "1", "-m", "trainer.run"]
    command = [*launcher, *options, "--checkpoint-steps", "2", "--out", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(command, stderr=said, stdout=said, env=environment) as process,
    ):
        wait_for_steps(folder, 5, seconds=120)
        os.kill(children(process.pid)[1], signal.SIGKILL)
        assert process.wait(timeout=180) == 0, (tmp_path / "said").read_text()
    text = (tmp_path / "said").read_text()
    assert "rank 0: rank 1 of 2 stopped answering" in text
    assert "going on from" in text
    assert_same_curve(losses(folder), losses(alone))


@pytest.mark.slow
def test_ctrl_c_saves_and_the_next_start_takes_over(sample_shards: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    options += ["--schedule.epochs", "50", "--out", str(folder)]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*launcher, "--nproc-per-node", "2", "-m", "trainer.run", *options]
    for attempt in range(2):
        said = tmp_path / f"said{attempt}"
        with (
            said.open("w") as file,
            subprocess.Popen(command, stderr=file, stdout=file, start_new_session=True) as process,
        ):
            wait_for_steps(folder, len(losses(folder)) + 5, seconds=180)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            process.wait(timeout=180)
        text = said.read_text()
        assert f"stopped and saved at step {len(losses(folder))}" in text
        assert ("going on from" in text) == (attempt == 1)
        assert "stop at once, without saving" in text
