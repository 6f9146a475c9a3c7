"""A pool of worker processes that make batches into a shared ring.

Workers are fresh interpreters: no lock, thread or GPU state is forked into them, and the calling
script is not imported again. Only tasks and answers cross their sockets.
"""

import logging
import os
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sampling.make_pairs import Failure, PairMaker
from sampling.shard_reader import HeldCrops
from sampling.workers.ring import Ring, ring_file
from sampling.workers.slots import MAX_HELD, Device, Slots
from sampling.workers.worker import Done, Task, WorkerSetup

logger = logging.getLogger(__name__)

_ROOT = str(Path(__file__).resolve().parents[2])
_START = """
import signal, sys
# Terminals and clusters tell each process of a job to stop; for workers the loader decides.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
from sampling.workers.worker import main
sys.exit(main(sys.argv[1]))
"""
_PATIENCE_S = 5.0
BATCHES_PER_WORKER = 2
"""Batches that a worker makes ahead of the training loop, the one in work included."""


class LostWorkerError(RuntimeError):
    """A worker process has ended, by a signal or for lack of memory."""


class WorkerPool:
    """Worker processes and their ring.

    Args:
        num_workers: Number of processes.
        pairs_per_slot: Largest batch.
        maker: Makes the pairs.
        paths: Per shard, the local file.
        keep_open: Whether workers keep shards open between batches.
        device: Reads the ring by itself, if it can; None where only the CPU does.
    """

    def __init__(
        self,
        num_workers: int,
        *,
        pairs_per_slot: int,
        maker: PairMaker,
        paths: Sequence[str],
        keep_open: bool,
        device: Device | None = None,
    ) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._connections: list[Connection] = []
        self._tasks: list[dict[int, Task]] = [{} for _ in range(num_workers)]
        self._done: dict[int, list[Failure]] = {}
        # registered before any start, so that a failure half-way leaves no process
        self.close = weakref.finalize(self, _stop, self._processes, self._connections, device)
        file = ring_file(BATCHES_PER_WORKER * num_workers + MAX_HELD, pairs_per_slot)
        try:
            ring = Ring(file, pairs_per_slot)
            self.slots = Slots(ring, device if _register(ring, device) else None)
            setup = WorkerSetup(
                ring_file=file,
                pairs_per_slot=pairs_per_slot,
                maker=maker,
                paths=tuple(paths),
                keep_open=keep_open,
            )
            for _ in range(num_workers):
                process, connection = _start_worker(file)
                self._processes.append(process)
                self._connections.append(connection)
                connection.send(setup)
        finally:
            os.close(file)

    @property
    def num_free(self) -> int:
        """Number of batches that can be submitted before one has to be waited for."""
        return self.slots.num_free

    def submit(
        self,
        records: NDArray[np.void],
        *,
        epoch: int,
        crops: HeldCrops | None = None,
    ) -> int:
        """Give a batch to the worker with the least to do and return its slot.

        Args:
            records: The pairs.
            epoch: Number of the epoch.
            crops: Their JPEGs by (shard, offset); None where the worker reads them itself.
        """
        worker = min(range(len(self._tasks)), key=lambda i: len(self._tasks[i]))
        task = Task(slot=self.slots.acquire(), epoch=epoch, records=records, crops=crops)
        self._tasks[worker][task.slot] = task
        try:
            self._connections[worker].send(task)
        except (BrokenPipeError, ConnectionResetError):
            raise self._lost(worker) from None
        return task.slot

    def wait_for(self, slot: int) -> list[Failure]:
        """Wait until a slot's batch is made and return the pairs that could not be made.

        Raises:
            LostWorkerError: A worker has ended.
        """
        while slot not in self._done:
            self._receive()
        return self._done.pop(slot)

    def drain(self) -> None:
        """Wait for all submitted batches and drop them."""
        while any(self._tasks):
            self._receive()
        while self._done:
            self.slots.put_back(self._done.popitem()[0])

    def _receive(self) -> None:
        ready = wait(self._connections)[0]
        worker = next(i for i, own in enumerate(self._connections) if own is ready)
        try:
            done: Done = self._connections[worker].recv()
        except (EOFError, ConnectionResetError):
            raise self._lost(worker) from None
        slot, failures = done
        self._done[slot] = failures
        del self._tasks[worker][slot]

    def _lost(self, worker: int) -> LostWorkerError:
        process = self._processes[worker]
        try:
            code = process.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            code = None
        pairs = [pair for task in self._tasks[worker].values() for pair in task.records["pair"]]
        doing = f"pairs {min(pairs)} to {max(pairs)}" if pairs else "nothing"
        self.close()
        return LostWorkerError(
            f"loader worker {worker} (process {process.pid}) ended with code {code} while it made "
            f"{doing}. A negative code is a signal; -9 is often a lack of memory"
        )


def _start_worker(ring: int) -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = socket.socketpair()
    with theirs:
        path = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [sys.executable, "-c", _START, str(theirs.fileno())],
            pass_fds=(ring, theirs.fileno()),
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            process_group=0,  # Ctrl-C is for the loader; workers end with their socket
        )
    return process, Connection(ours.detach())


def _register(ring: Ring, device: Device | None) -> bool:
    if device is None:
        return False
    try:
        device.register(ring.address, ring.num_bytes)
    except RuntimeError as error:
        megabytes, reason = ring.num_bytes / 1e6, str(error).partition("\n")[0]
        logger.warning(
            "the GPU cannot read the loader's %.0f MB by itself (%s); batches are copied to pinned "
            "memory first",
            megabytes,
            reason,
        )
        return False
    return True


def _stop(
    processes: list[subprocess.Popen[bytes]], connections: list[Connection], device: Device | None
) -> None:
    for connection in connections:
        connection.close()
    for process in processes:
        try:
            process.wait(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    if device is not None:
        with suppress(RuntimeError):  # after an error CUDA refuses everything
            device.unregister()
