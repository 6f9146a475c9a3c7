"""How fast the network is, beside the same network with naive correlations.

    python -m bench.network
    python -m bench.network --json --check

Naive is a grouped ``conv2d`` on contiguous maps. Rivals run in turns in one process; figures are
medians, ratios are medians of the rounds' ratios. About a minute on two idle CPU cores.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from bench.findings import BenchOptions, Target, show
from bench.network_cases import (
    Figure,
    correlation_figures,
    form_figures,
    frame_figures,
    gpu_figures,
    step_figures,
)
from bench.timing import Clock
from commands.run import run_command

_TARGETS = {
    # figure: (bound, whether it is an upper one), on two CPU cores
    "cf1 backward, times faster": (15.0, False),
    "cf2 backward, times faster": (4.0, False),
    "pretrain step, times faster": (5.0, False),
    "frame, double to baseline": (1.35, True),
}


@dataclass(frozen=True, kw_only=True)
class NetworkBenchConfig(BenchOptions):
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


def measure(config: NetworkBenchConfig) -> int:
    """Measure every device at hand, print the figures, and judge the targets."""
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
    return show([asdict(figure) for figure in figures], judge(figures), config)


def judge(figures: Sequence[Figure]) -> list[Target]:
    """Return the targets, with the CPU's figures for them."""
    values = {figure.name: figure for figure in figures if figure.device == "cpu"}
    return [
        Target(
            name=name,
            value=values[name].value,
            unit=values[name].unit,
            target=bound,
            at_most=at_most,
        )
        for name, (bound, at_most) in _TARGETS.items()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    return run_command(NetworkBenchConfig, measure, argv, prog="python -m bench.network")


if __name__ == "__main__":
    sys.exit(main())
