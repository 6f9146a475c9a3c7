"""Speed of the network, relative to naive correlations and to the device's limits.

    python -m bench.network
    python -m bench.network --device cuda --json --check

Naive is a grouped ``conv2d`` on contiguous maps. Rivals run in turns in one process; figures are
medians, ratios are medians of the rounds' ratios. The matrix rate is that of a large product, the
memory rate that of a copy; a share of the latter counts what each operator reads and writes. About
a minute on two idle CPU cores.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from bench.findings import BenchOptions, Target, show
from bench.network_cases import Figure, correlation_figures, form_figures, gpu_figures
from bench.network_steps import frame_figures, step_figures
from bench.timing import Clock
from commands.run import run_command
from model.device import choose_device

_TARGETS = {
    # figure: (bound, whether it is an upper one), on two CPU cores and on an H100 or H200
    "cpu": {
        "cf1 backward, times faster": (15.0, False),
        "cf2 backward, times faster": (4.0, False),
        "pretrain step, share of matrix rate": (0.9, False),
        "frame, double to baseline": (1.35, True),
    },
    "cuda": {"search bf16 graph": (1.3, True)},
}


@dataclass(frozen=True, kw_only=True)
class NetworkBenchConfig(BenchOptions):
    """What to measure."""

    device: str = "auto"
    """auto, cpu or cuda."""
    rounds: int = 3
    """Turns of all rivals; medians count."""
    batch_size: int = 0
    """Pairs of the correlations and the training steps; 0 is 1 on the CPU and 8 on a GPU."""
    width: float = 1.0
    """Width of the networks; channels of the correlations in proportion."""
    threads: int = 2
    """Threads of torch on the CPU."""
    clock: Clock = "wall"
    """processor, with --threads 1, measures on a busy machine; GPUs are timed by the wall."""
    forms: bool = False
    """Also time every form of every correlation, among which `model.correlation` chooses."""


def measure(config: NetworkBenchConfig) -> int:
    """Measure, print the figures, and judge the device's targets."""
    torch.set_num_threads(config.threads)
    device, rounds, clock = choose_device(config.device), config.rounds, config.clock
    batch = config.batch_size or (8 if device.type == "cuda" else 1)
    figures = correlation_figures(
        device, rounds=2 * rounds, batch=batch, clock=clock, width=config.width
    )
    figures += step_figures(device, rounds=rounds, batch=batch, clock=clock, width=config.width)
    figures += frame_figures(device, rounds=2 * rounds, clock=clock, width=config.width)
    if config.forms:
        figures += form_figures(device, rounds=3 * rounds, batch=batch, clock=clock)
    if device.type == "cuda":
        figures += gpu_figures(device, rounds=rounds)
    return show([asdict(figure) for figure in figures], judge(figures), config)


def judge(figures: Sequence[Figure]) -> list[Target]:
    """Return the targets of the device that was measured."""
    values = {figure.name: figure for figure in figures}
    return [
        Target(
            name=name,
            value=values[name].value,
            unit=values[name].unit,
            target=bound,
            at_most=at_most,
        )
        for name, (bound, at_most) in _TARGETS.get(figures[0].device, {}).items()
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    return run_command(NetworkBenchConfig, measure, argv, prog="python -m bench.network")


if __name__ == "__main__":
    sys.exit(main())
