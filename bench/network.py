"""How fast the network is, beside the same network with naive correlations.

    python -m bench.network
    python -m bench.network --json --check

Naive is a grouped ``conv2d`` on contiguous maps. Rivals run in turns in one process; figures are
medians, ratios are medians of the rounds' ratios. About a minute on two idle CPU cores.
"""

import json
import logging
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from bench.network_cases import (
    Figure,
    correlation_figures,
    form_figures,
    frame_figures,
    gpu_figures,
    step_figures,
)
from bench.timing import Clock
from manifests.cli import run_command

logger = logging.getLogger(__name__)

_TARGETS = {
    # figure: (bound, whether the value must be at least it), on two CPU cores
    "cf1 backward, times faster": (15.0, True),
    "cf2 backward, times faster": (4.0, True),
    "pretrain step, times faster": (5.0, True),
    "frame, double to baseline": (1.35, False),
}


@dataclass(frozen=True, kw_only=True)
class NetworkBenchConfig:
    """What to measure."""

    rounds: int = 3
    """Turns of all rivals; medians count."""
    batch_size: int = 1
    """Pairs of the correlations and the training steps."""
    threads: int = 2
    """Threads of torch on the CPU."""
    clock: Clock = "wall"
    """processor, with --threads 1, measures on a busy machine; GPUs are timed by the wall."""
    forms: bool = False
    """Also time every form of every correlation: what the choice in `model.correlation` is of."""
    json: bool = False
    """Print one JSON object instead of lines."""
    check: bool = False
    """Exit 1 if a target for two CPU cores is missed."""


def measure(config: NetworkBenchConfig) -> int:
    """Measure every device at hand, print the figures, and tell whether the targets are met."""
    torch.set_num_threads(config.threads)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    figures: list[Figure] = []
    for name in devices:
        device = torch.device(name)
        rounds, batch = config.rounds, config.batch_size
        figures += correlation_figures(
            device, rounds=max(rounds, 9), batch=batch, clock=config.clock
        )
        figures += step_figures(device, rounds=rounds, batch=batch, clock=config.clock)
        figures += frame_figures(device, rounds=max(rounds, 5), clock=config.clock)
        if config.forms:
            figures += form_figures(device, rounds=max(rounds, 9), batch=batch, clock=config.clock)
        if name == "cuda":
            figures += gpu_figures(device, rounds=rounds)
    if config.json:
        print(json.dumps([asdict(figure) for figure in figures], indent=1))
    else:
        for figure in figures:
            print(f"{figure.device:5}{figure.name:48}{figure.value:10.3f} {figure.unit}")
    missed = missed_targets(figures)
    for line in missed:
        logger.warning("%s", line)
    return 1 if config.check and missed else 0


def missed_targets(figures: Sequence[Figure]) -> list[str]:
    """Return a line for each figure of the CPU that misses its target."""
    lines = []
    for name, (bound, at_least) in _TARGETS.items():
        values = [f.value for f in figures if f.device == "cpu" and f.name == name]
        value = statistics.fmean(values)
        if (value < bound) if at_least else (value > bound):
            expected = f"at {'least' if at_least else 'most'} {bound:g}"
            lines.append(f"{name}: {value:.2f}, expected {expected}. Repeat on an idle machine")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    return run_command(NetworkBenchConfig, measure, argv, prog="python -m bench.network")


if __name__ == "__main__":
    sys.exit(main())
