"""--data.access stream: a run that was killed ends with the weights of one that was not."""

import random
import signal
from pathlib import Path

import pytest

from tests.support.crops import MadeTrack, write_crops
from tests.support.launch import TINY, assert_same_run, finish, kill, start, train, wait_for_steps


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4)) for i in range(12)]
    tracks += [MadeTrack(name="held", video="held", frames=range(8), split="val")]
    manifest = write_crops(tmp_path_factory.mktemp("stream"), tracks, tracks_per_shard=1)
    return [*TINY, "--data.access", "stream", "--manifests", manifest]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_killed_stream_goes_on_to_the_same_weights(
    workers: str, options: list[str], tmp_path: Path
) -> None:
    folder, expected = tmp_path / "run", tmp_path / "undisturbed"
    train([*options, "--out", str(expected)], log=tmp_path / "log_undisturbed")
    command = [*options, "--workers", workers, "--out", str(folder), "--checkpoint-steps", "3"]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, random.randint(4, 17))  # any step will do
    kill(process, signal.SIGKILL)
    assert finish([process]) == [-signal.SIGKILL]
    train(command, log=tmp_path / "again")
    assert "going on from" in (tmp_path / "again.0").read_text()
    assert_same_run(folder, expected)
