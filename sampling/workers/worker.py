"""A worker process: makes pairs into slots of the shared ring. Started by `sampling.workers.pool`.

It is given two open file descriptors, of the ring and of a socket, and ends when the socket does.
It never imports torch: a worker starts in a quarter of a second and takes 100 MB.
"""

from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread

import cv2
import numpy as np
from numpy.typing import NDArray

from sampling.make_pairs import Failure, PairMaker
from sampling.shard_reader import HeldCrops, ShardReader, read_held
from sampling.workers.ring import Ring


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSetup:
    """The first message to a worker."""

    ring_file: int
    pairs_per_slot: int
    maker: PairMaker
    paths: tuple[str, ...]
    """Per shard, the local file."""
    keep_open: bool
    """Whether shards stay open between tasks; those of a cache must not."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Task:
    """Any further message: a batch to make."""

    slot: int
    epoch: int
    records: NDArray[np.void]
    """(B,) of type `sampling.pair_index.PAIR`."""
    crops: HeldCrops | None = None
    """The JPEGs by (shard, offset); None where the worker reads them itself."""


Done = tuple[int, list[Failure]]
"""The answer to a task: its slot, and the pairs that could not be made."""


def work(connection: Connection) -> None:
    """Answer tasks until the other side closes the connection."""
    try:
        setup: WorkerSetup = connection.recv()
        ring = Ring(setup.ring_file, setup.pairs_per_slot)
        slots = [ring.slot(number) for number in range(ring.num_slots)]
        reader = ShardReader(setup.paths)
        tasks: SimpleQueue[Task | None] = SimpleQueue()
        # received at once: tasks with crops are larger than the socket's buffer
        Thread(target=_receive, args=(connection, tasks), daemon=True).start()
        while (task := tasks.get()) is not None:
            read = reader.read if task.crops is None else partial(read_held, task.crops)
            failures = setup.maker.make(task.records, read, epoch=task.epoch, out=slots[task.slot])
            if not setup.keep_open:
                reader.close()
            connection.send((task.slot, failures))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the loader is gone or has enough


def _receive(connection: Connection, tasks: "SimpleQueue[Task | None]") -> None:
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        tasks.put(None)


def main(socket_file: str) -> int:
    """Serve the socket with this file descriptor."""
    cv2.setNumThreads(1)
    work(Connection(int(socket_file)))
    return 0
