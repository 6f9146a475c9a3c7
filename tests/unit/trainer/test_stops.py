"""Ctrl-C and a lost terminal save like SIGTERM; the second Ctrl-C stops at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples.pass_on import run_and_pass_on
from tests.support import ROOT
from tests.support.launch import TINY, children, finish, kill, losses, start, train, wait_for_steps
from trainer.output.checkpoint import find_newest
from trainer.preemption import StopRequest, watch_for_stop

SAVES = """
import pathlib, signal, sys, time
got = []
signal.signal(signal.SIGINT, lambda number, frame: got.append(number))
pathlib.Path(sys.argv[1]).touch()
while not got:
    time.sleep(0.01)
time.sleep(1)  # subprocess.run would kill it after a quarter of that
pathlib.Path(sys.argv[1]).write_text(str(len(got)))
sys.exit(130)
"""
PASSES_ON = "import sys; from examples.pass_on import run_and_pass_on as run; \
print(*run([sys.executable, '-c', sys.argv[1], sys.argv[2]]))"


@pytest.fixture(scope="module")
def options(sample_shards: Path) -> list[str]:
    manifest = str(sample_shards / "vid" / "manifest.parquet")
    return [*TINY, "--manifests", manifest, "--schedule.rates", "0.001"]


@pytest.fixture(scope="module")
def undisturbed(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train([*options, "--out", str(folder)], log=folder.with_name("log"))
    return losses(folder)


def wait_for(path: Path, text: str = "", *, seconds: float = 180) -> None:
    """Wait until a file is there and holds a text."""
    end = time.monotonic() + seconds
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < end, f"{path}: no {text!r}"
        time.sleep(0.01)


def test_ctrl_c_at_a_terminal_saves_and_exits_130(
    options: list[str], undisturbed: list[float], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--workers", "2", "--out", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "trainer.run", *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for_steps(folder, 5)
        workers = children(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=180)
    assert process.returncode == 130
    newest = find_newest(folder / "checkpoints")
    assert newest is not None
    assert f"stopped and saved at step {len(losses(folder))}; the same command goes on" in said
    assert newest.name.startswith(f"step-{len(losses(folder)):08d}")
    assert "press it again to stop at once" in said
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert not (folder / ".lock.json").exists()
    train(command, log=tmp_path / "again")
    assert losses(folder) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_loader_workers_that_get_the_signal_too_go_on_until_it_is_saved(
    number: signal.Signals, options: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--workers", "2", "--out", str(folder)]
    (process,) = start(command, log=tmp_path / "log")
    wait_for_steps(folder, 5)
    for worker in children(process.pid):
        os.kill(worker, number)
    kill(process, number)
    assert finish([process]) == [130 if number == signal.SIGINT else 0]
    assert find_newest(folder / "checkpoints") is not None
    assert "Traceback" not in (tmp_path / "log.0").read_text()


def test_a_second_ctrl_c_stops_at_once(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (process,) = start([*options, "--workers", "1", "--out", str(folder)], log=tmp_path / "log")
    wait_for_steps(folder, 1)
    for worker in children(process.pid):
        os.kill(worker, signal.SIGSTOP)  # a disk that hangs: the next batch never comes
    kill(process, signal.SIGINT)
    wait_for(tmp_path / "log.0", "press it again")
    kill(process, signal.SIGINT)
    assert finish([process]) == [130]
    said = (tmp_path / "log.0").read_text()
    assert f"{folder}: interrupted; the same command goes on from the beginning" in said
    assert find_newest(folder / "checkpoints") is None
    assert "Traceback" not in said


@pytest.mark.parametrize("signalled", [[0, 1], [1]])
def test_all_ranks_save_together_and_exit_130(
    signalled: list[int], options: list[str], undisturbed: list[float], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    command = [*options, "--out", str(folder)]
    ranks = start(command, log=tmp_path / "log", world_size=2)
    wait_for_steps(folder, 3)
    for rank in signalled:
        kill(ranks[rank], signal.SIGINT)
    assert finish(ranks) == [130, 130]
    assert "stopped and saved at step" in (tmp_path / "log.0").read_text()
    train(command, log=tmp_path / "again", world_size=2)
    assert len(losses(folder)) == len(undisturbed)


def test_the_first_is_a_request_the_second_an_order_and_then_all_is_as_before() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request = StopRequest()
    try:
        with request.taking_ctrl_c(tell=False):
            signal.raise_signal(signal.SIGINT)
            assert request.arrived
            assert request.by_ctrl_c
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with watch_for_stop() as request:
            signal.raise_signal(signal.SIGHUP)
            assert not request.arrived
            signal.raise_signal(signal.SIGTERM)
            assert request.arrived
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("to_group", [True, False])
def test_a_command_that_runs_others_passes_ctrl_c_on_once_and_waits(
    to_group: bool, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PASSES_ON, SAVES, str(tmp_path / "got")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for(tmp_path / "got")
        (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=180)
    assert (tmp_path / "got").read_text() == "1"
    assert said == f"130 {int(signal.SIGINT)}\n"
    assert run_and_pass_on([sys.executable, "-c", "raise SystemExit(3)"]) == (3, None)
