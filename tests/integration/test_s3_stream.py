"""--data.access stream out of a bucket: the weights of a local stream, killed on the way or not."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datasets.files.output import Output
from tests.support import ROOT
from tests.support.crops import MadeTrack, write_crops
from tests.support.launch import TINY, assert_same_run, train, wait_for_steps

pytestmark = pytest.mark.s3


pytest.importorskip("s3fs")


def start(options: list[str], folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trainer.run", *TINY, "--data.access", "stream", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment)


def test_a_killed_stream_from_a_bucket_goes_on_to_the_weights_of_a_local_one(
    bucket: str, tmp_path: Path
) -> None:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4)) for i in range(12)]
    tracks += [MadeTrack(name="held", video="held", frames=range(8), split="val")]
    shards = tmp_path / "shards"
    local = write_crops(shards, tracks, tracks_per_shard=1)
    Output(f"{bucket}/shards")._files.put(f"{shards}/", f"{bucket}/shards/", recursive=True)
    expected, folder = tmp_path / "undisturbed", tmp_path / "run"
    options = ["--data.access", "stream", "--manifests", local, "--out", str(expected)]
    train([*TINY, *options], log=tmp_path / "log")
    remote = ["--manifests", f"{bucket}/shards/{Path(local).name}", "--out", str(folder)]
    remote += ["--checkpoint-steps", "3"]
    with start(remote, tmp_path) as process:
        wait_for_steps(folder, random.randint(4, 17))  # any step will do
        process.send_signal(signal.SIGKILL)
    with start(remote, tmp_path) as process:
        assert process.wait() == 0
    assert_same_run(folder, expected)
    assert not (tmp_path / "data").exists()  # where copies of shards would be
