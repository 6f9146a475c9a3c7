"""Times of rivals, measured in turns so that a busy machine disturbs all of them alike.

The processor's clock counts computing and no waiting: with one thread it agrees with the wall
clock on an idle machine.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Literal

import torch

Clock = Literal["wall", "processor"]
Work = Callable[[], object]

_CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def in_turns(
    rivals: Mapping[str, Work], *, rounds: int, device: torch.device, clock: Clock = "wall"
) -> dict[str, list[float]]:
    """Return each rival's seconds, one a round, after a first run that is not counted."""
    now = _CLOCKS["wall" if device.type == "cuda" else clock]
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, work in rivals.items():
            _wait(device)
            start = now()
            work()
            _wait(device)
            if number > 0:
                seconds[name].append(now() - start)
    return seconds


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """Return the median over rounds of how many times ``fast`` is faster."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
