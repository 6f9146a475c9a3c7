"""Lanes: processes that read and crop the frames of sequences in lockstep, and move their targets.

Each has some of the slots. A slot is a row of the memory in which crops go to the network, and the
place of one sequence at a time.
"""

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from datasets.executors import HereExecutor, QuietPool, start_worker
from datasets.files import RawFiles, open_root
from datasets.images import Image
from evaluation.benchmark import FollowSequence, NetworkCall
from evaluation.sequences import BenchmarkSequence, read_image
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from tracking.decoders.base import Decoder, Floats

Outputs = Mapping[str, Floats]
"""Outputs of the head for one target, a row per search crop."""


class Crops:
    """Crops of all slots, in memory that processes share.

    Args:
        slots: Number S of slots.
        scales: Search crops N per slot.
    """

    def __init__(self, slots: int, scales: int) -> None:
        self._template_shape = (slots, TEMPLATE_SIZE, TEMPLATE_SIZE, 3)
        self._search_shape = (slots, scales, SEARCH_SIZE, SEARCH_SIZE, 3)
        context = get_context("spawn")
        self._template: Any = context.RawArray("B", int(np.prod(self._template_shape)))
        self._search: Any = context.RawArray("B", int(np.prod(self._search_shape)))

    @property
    def template(self) -> Image:
        """(S, 127, 127, 3) uint8."""
        return np.frombuffer(self._template, np.uint8).reshape(self._template_shape)

    @property
    def search(self) -> Image:
        """(S, N, 255, 255, 3) uint8."""
        return np.frombuffer(self._search, np.uint8).reshape(self._search_shape)


@dataclass(frozen=True, kw_only=True)
class LaneTask:
    """How a lane tracks a sequence; sent to its process."""

    follow: FollowSequence
    decoder: Decoder
    root: str
    folder: Path
    crops: Crops


class Lane:
    """Targets of some slots; a thread reads the next frame of each while the network runs."""

    def __init__(self, task: LaneTask) -> None:
        self._task = task
        self._files = open_root(task.root)
        self._reader = ThreadPoolExecutor(1)  # the only one that uses the files
        self._running: dict[int, Generator[NetworkCall, Outputs, None]] = {}

    def step(
        self, starts: Mapping[int, BenchmarkSequence], outputs: Mapping[int, Outputs]
    ) -> dict[int, float]:
        """Start sequences, move the targets of others, and write the next crops.

        Args:
            starts: Sequences by their free slot.
            outputs: The network's outputs, by slot.

        Returns:
            The slots that wait for the network, and the share of their template crop; the other
            slots are free.
        """
        waiting: dict[int, NetworkCall | None] = {}
        for slot, sequence in starts.items():
            images = _read_ahead(self._reader, self._files, sequence.frames)
            self._running[slot] = self._task.follow(
                self._task.decoder, sequence, images, self._task.folder
            )
            waiting[slot] = next(self._running[slot], None)
        for slot, answer in outputs.items():
            try:
                waiting[slot] = self._running[slot].send(answer)
            except StopIteration:
                waiting[slot] = None
        shares = {}
        for slot, call in waiting.items():
            if call is None:
                del self._running[slot]
                continue
            self._task.crops.template[slot] = call.template
            self._task.crops.search[slot] = call.search
            shares[slot] = call.share
        return shares


def _read_ahead(reader: Executor, files: RawFiles, names: Sequence[str]) -> Iterator[Image]:
    """Yield frames; the next one is read meanwhile."""
    coming: deque[Future[Image]] = deque()
    for name in names:
        coming.append(reader.submit(read_image, files, name))
        if len(coming) > 1:
            yield coming.popleft().result()
    yield coming.popleft().result()


_LANE: list[Lane] = []
"""The lane of this process."""


@contextmanager
def open_lanes(task: LaneTask, *, workers: int) -> Iterator[Sequence[Executor]]:
    """Yield one executor per lane, on which `step_lane` runs; a single lane is in this process."""
    with ExitStack() as stack:
        if workers == 1:
            _LANE[:] = [Lane(task)]
            stack.callback(_LANE.clear)
            yield [HereExecutor()]
            return
        pool = partial(QuietPool, 1, mp_context=get_context("spawn"), initializer=_start_lane)
        yield [stack.enter_context(pool(initargs=(task,))) for _ in range(workers)]


def _start_lane(task: LaneTask) -> None:
    start_worker()
    _LANE[:] = [Lane(task)]


def step_lane(
    starts: Mapping[int, BenchmarkSequence], outputs: Mapping[int, Outputs]
) -> dict[int, float]:
    """Run `Lane.step` of this process's lane."""
    return _LANE[0].step(starts, outputs)
