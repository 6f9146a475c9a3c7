"""Track many sequences in lockstep: one call of the network advances each by a frame."""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

import torch

from datasets.executors import lost_worker
from evaluation.benchmark import Benchmark, Progress
from evaluation.runs.lanes import Crops, LaneTask, Outputs, open_lanes, step_lane
from evaluation.sequences import BenchmarkSequence
from model.backbone import Features
from tracking.crop_network import CropNetwork, mix
from tracking.interface import BoxTracker
from tracking.tracker import Tracker

Value = TypeVar("Value")


def track_in_lockstep(
    tracker: BoxTracker,
    benchmark: Benchmark,
    missing: Sequence[BenchmarkSequence],
    folder: Path,
    *,
    slots: int,
    workers: int,
    report: Progress,
) -> None:
    """Track sequences and write their results; a finished one's slot is taken by the next.

    Args:
        tracker: A `Tracker`, for its network and settings.
        benchmark: Their benchmark, of a protocol that can follow.
        missing: The sequences, in the order in which they start.
        folder: Where the results go. A sequence is written when it is complete.
        slots: Sequences at a time.
        workers: Processes that read and crop; 1 does it in this one.
        report: Receives the number of frames done.

    Raises:
        SourceError: An image cannot be read, or a worker process died.
        WeightsError: The network returned NaN.
    """
    assert isinstance(tracker, Tracker)
    assert benchmark.protocol.follow is not None
    crops = Crops(slots, len(tracker.decoder.scales))
    network = _SlotNetwork(tracker.network, crops)
    task = LaneTask(
        follow=benchmark.protocol.follow,
        decoder=tracker.decoder,
        root=benchmark.files.root,
        folder=folder,
        crops=crops,
    )
    num_zooms = len(tracker.decoder.calibration_zooms)
    calibrating: dict[int, int] = {}  # calls left, by slot, before the second frame
    remaining = deque(missing)
    shares: dict[int, float] = {}
    outputs: dict[int, Outputs] = {}
    try:
        with open_lanes(task, workers=min(workers, slots)) as lanes:
            while remaining or shares:
                free = (slot for slot in range(slots) if slot not in shares)
                starts = {slot: remaining.popleft() for slot in free if remaining}
                steps = [
                    executor.submit(
                        step_lane,
                        _of_lane(starts, number, len(lanes)),
                        _of_lane(outputs, number, len(lanes)),
                    )
                    for number, executor in enumerate(lanes)
                ]
                shares = {slot: share for step in steps for slot, share in step.result().items()}
                moved = [slot for slot in outputs if not calibrating[slot]]
                report(len(starts) + len(moved))
                calibrating = {slot: max(left - 1, 0) for slot, left in calibrating.items()}
                calibrating |= dict.fromkeys(starts, num_zooms)
                outputs = network.answer(shares) if shares else {}
    except BrokenProcessPool:
        raise lost_worker() from None


def _of_lane(by_slot: Mapping[int, Value], number: int, lanes: int) -> dict[int, Value]:
    """Return the entries of one lane's slots."""
    return {slot: value for slot, value in by_slot.items() if slot % lanes == number}


class _SlotNetwork:
    """The network on the crops of all slots; it keeps the features of their templates."""

    def __init__(self, network: CropNetwork, crops: Crops) -> None:
        self._network = network
        self._crops = crops
        self._features: Features = ()

    def answer(self, shares: Mapping[int, float]) -> dict[int, Outputs]:
        """Return the outputs of the waiting slots.

        Args:
            shares: Shares of the template crops, by waiting slot.
        """
        self._renew({slot: share for slot, share in shares.items() if share > 0})
        slots = sorted(shares)
        rows = self._rows(slots)
        features = tuple(feature[rows] for feature in self._features)
        outputs = self._network.search(self._crops.search[rows], features)
        return {
            slot: {name: value[row] for name, value in outputs.items()}
            for row, slot in enumerate(slots)
        }

    @torch.inference_mode()
    def _renew(self, shares: Mapping[int, float]) -> None:
        if not shares:
            return
        slots = sorted(shares)
        rows = self._rows(slots)
        new = self._network.template(self._crops.template[rows])
        if not self._features:
            num_slots = len(self._crops.template)
            self._features = tuple(value.new_zeros(num_slots, *value.shape[1:]) for value in new)
        old = tuple(feature[rows] for feature in self._features)
        share = torch.tensor([shares[slot] for slot in slots]).to(new[0].device)
        for feature, mixed in zip(self._features, mix(old, new, share), strict=True):
            feature[rows] = mixed

    def _rows(self, slots: Sequence[int]) -> slice | list[int]:
        """Return the index of slots; that of all copies nothing."""
        return slice(None) if len(slots) == len(self._crops.template) else list(slots)
