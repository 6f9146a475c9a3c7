"""Runs `trainer.run` in processes that tests can really kill, without paying for imports each time.

A fork server imports torch and the trainer once; each rank is a fork of it.
"""

import json
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from trainer.run import main

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.launch"])

TINY = [
    *("--recipe", "siamfc", "--model.width", "0.02", "--batch-size", "4", "--threads", "1"),
    *("--schedule.epochs", "2", "--data.pairs-per-epoch", "40", "--data.val-pairs", "8"),
    *("--workers", "0", "--tensorboard", "False", "--device", "cpu"),
]
"""A SiamFC baseline of 8 channels: 20 steps of about 20 ms."""


def start(options: Sequence[str], *, log: Path, world_size: int = 1) -> list[ForkServerProcess]:
    """Start the ranks of a run; rank r writes what it says to ``<log>.<r>``."""
    return [
        start_rank(_enter, list(options), f"{log}.{rank}", environment=environment)
        for rank, environment in enumerate(rank_environments(world_size))
    ]


def start_command(
    command: Callable[[list[str]], int], options: Sequence[str], *, log: Path
) -> ForkServerProcess:
    """Start the ``main`` of another command."""
    environment = dict(os.environ)  # the fork server has that of its own start
    return start_rank(_enter, list(options), str(log), command, environment=environment)


def rank_environments(world_size: int) -> list[dict[str, str]]:
    """Return what torchrun sets for each rank; nothing for one process."""
    if world_size == 1:
        return [{}]
    shared = {
        "WORLD_SIZE": str(world_size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(world_size)]


def start_rank(
    function: Callable[..., None], *arguments: object, environment: dict[str, str]
) -> ForkServerProcess:
    """Start a function in a process of its own."""
    process = _CONTEXT.Process(target=_prepare, args=(function, arguments, environment))
    process.daemon = True
    process.start()
    return process


def finish(processes: Sequence[ForkServerProcess], *, seconds: float = 180) -> list[int | None]:
    """Wait for all ranks and return their exit codes; None for one that hangs, which is killed."""
    end = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
    codes = [process.exitcode for process in processes]
    for process in processes:
        if process.is_alive():
            process.kill()
            process.join()
    return codes


def train(options: Sequence[str], *, log: Path, world_size: int = 1) -> None:
    """Run to the end and insist on exit code 0 of every rank."""
    codes = finish(start(options, log=log, world_size=world_size))
    said = "\n".join(Path(f"{log}.{rank}").read_text() for rank in range(world_size))
    assert codes == [0] * world_size, said


def wait_for_steps(folder: Path, steps: int, *, seconds: float = 120) -> None:
    """Wait until a run has noted this many steps."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if len(step_records(folder)) >= steps:
            return
        time.sleep(0.005)
    raise AssertionError(f"{folder}: fewer than {steps} steps after {seconds} s")


def step_records(folder: Path) -> list[dict[str, Any]]:
    """Return the updates that a run has noted so far."""
    path = folder / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [record for record in map(json.loads, lines) if record["kind"] == "step"]


def losses(folder: Path) -> list[float]:
    """Return the loss of each update."""
    return [record["loss"] for record in step_records(folder)]


def assert_same_run(folder: Path, other: Path) -> None:
    """Insist on the same losses and the same last weights, bit for bit."""
    assert losses(folder) == losses(other)
    ours, theirs = (load_file(path / "last.safetensors") for path in (folder, other))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.equal(theirs[name]), name


def assert_same_curve(curve: list[float], other: list[float]) -> None:
    """Insist on the same losses to rounding, which training doubles every few steps."""
    np.testing.assert_allclose(curve[:4], other[:4], rtol=2e-5)
    np.testing.assert_allclose(curve, other, rtol=5e-3)


def kill(process: ForkServerProcess, number: signal.Signals) -> None:
    """Send a signal to one rank."""
    assert process.pid is not None
    os.kill(process.pid, number)


def children(pid: int | None) -> list[int]:
    """Return the processes that a process has started and not waited for."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _prepare(
    function: Callable[..., None], arguments: Sequence[object], environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    function(*arguments)


def _enter(options: list[str], log: str, command: Callable[[list[str]], int] = main) -> None:
    with Path(log).open("w", buffering=1, encoding="utf-8") as file:
        sys.stderr = file
        code = command(options)
    sys.exit(code)
