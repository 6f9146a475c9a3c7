"""Under torchrun: a killed rank restarts all of them from the last checkpoint."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch import TINY, assert_same_curve, children, losses, train, wait_for_steps


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
