"""A worker process: makes pairs into slots of the shared ring. Started by `sampling.workers`.

It is given two open file descriptors, of the ring and of a socket, and ends when the socket does.
It never imports torch: a worker starts in a quarter of a second and takes 100 MB.
"""

from dataclasses import dataclass
from multiprocessing.connection import Connection

import cv2
import numpy as np
from numpy.typing import NDArray

from sampling.fetch import ShardReader
from sampling.pairs import Failure, PairMaker
from sampling.ring import Ring


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
    """(B,) of type `sampling.records.PAIR`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The answer to a task."""

    slot: int
    failures: tuple[Failure, ...]


def work(connection: Connection) -> None:
    """Answer tasks until the other side closes the connection."""
    try:
        setup: WorkerSetup = connection.recv()
        ring = Ring(setup.ring_file, setup.pairs_per_slot)
        slots = [ring.slot(number) for number in range(ring.num_slots)]
        reader = ShardReader(setup.paths)
        while True:
            task: Task = connection.recv()
            failures = setup.maker.make(
                task.records, reader.read, epoch=task.epoch, out=slots[task.slot]
            )
            if not setup.keep_open:
                reader.close()
            connection.send(Done(slot=task.slot, failures=tuple(failures)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the loader is gone or has enough


def main(socket_file: str) -> int:
    """Serve the socket with this file descriptor."""
    cv2.setNumThreads(1)
    work(Connection(int(socket_file)))
    return 0
