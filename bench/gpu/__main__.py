"""Everything that a GPU is to show, with one command.

    python -m bench.gpu --json --check > gpu.json
    python -m bench.gpu --device cpu --tiny True

First whether it is right: correlations beside float64, the first step beside the CPU's, fifty steps
of compiled bf16 beside eager float32. Then how fast it is: a tracked frame, bench.network,
bench.train and bench.pairs. A part that fails leaves its error in its row, and the others run.
"""

import gc
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import torch

from bench.findings import BenchOptions, Row, Target, medians, show
from bench.gpu.checks import (
    TINY,
    Size,
    check_correlations,
    check_first_step,
    check_many_steps,
    check_tracker,
)
from commands.choices import one_of
from commands.run import run_command
from model.device import choose_device

logger = logging.getLogger(__name__)

Findings = tuple[list[Row], list[Target]]

_CHECKS: dict[str, Callable[[torch.device, Size], list[Target]]] = {
    "correlations": check_correlations,
    "first-step": check_first_step,
    "many-steps": check_many_steps,
    "tracker": check_tracker,
}
_BENCHES: dict[str, tuple[str, ...]] = {
    "bench.network": (),
    "bench.train": ("--compile", "True"),
    "bench.pairs": (),
}
_TINY_BENCHES: dict[str, tuple[str, ...]] = {
    "bench.network": ("--rounds", "1", "--width", "0.02", "--threads", "1"),
    "bench.train": ("--rounds", "1", "--steps", "2", "--width", "0.02", "--batch-size", "2"),
    "bench.pairs": (
        *("--processes", "1", "--ways", "local", "--workers", "1"),
        *("--pairs", "80", "--batch-size", "8"),
    ),
}
_PATIENCE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class GpuBenchConfig(BenchOptions):
    """Check and measure everything on one device."""

    device: str = "auto"
    """auto, cpu or cuda."""
    tiny: bool = False
    """Tiny sizes: whether everything runs, not how fast."""
    parts: tuple[Annotated[str, one_of((*_CHECKS, *_BENCHES))], ...] = ()
    """What to run; empty is all."""


def measure(config: GpuBenchConfig) -> int:
    """Run all parts and print the results."""
    device = choose_device(config.device)
    size, benches = (TINY, _TINY_BENCHES) if config.tiny else (Size(), _BENCHES)
    works: dict[str, Callable[[], Findings]] = {
        name: partial(_checked, check, device, size) for name, check in _CHECKS.items()
    }
    for name, options in benches.items():
        works[name] = partial(_benched, name, ("--device", config.device, *options))
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    parts: list[Row] = []
    rows: list[Row] = []
    targets: list[Target] = []
    for name in config.parts or works:
        start = time.perf_counter()
        error, found = _tried(name, works[name])
        seconds = round(time.perf_counter() - start, 1)
        logger.info("%s: %.1f s", name, seconds)
        parts.append({"part": name, "device": card, "seconds": seconds, "error": error})
        rows += found[0]
        targets.append(Target(name=f"{name} runs", value=float(not error), unit="", target=1.0))
        targets += [replace(target, name=f"{name}: {target.name}") for target in found[1]]
    return show([*parts, *rows], targets, config)


def _tried(name: str, work: Callable[[], Findings]) -> tuple[str, Findings]:
    """Return the error of a part, empty if it has none, and what it found."""
    try:
        return "", work()
    except Exception as error:
        logger.exception("%s", name)
        return f"{type(error).__name__}: {error}", ([], [])
    finally:
        gc.collect()
        torch.cuda.empty_cache()


def _checked(
    check: Callable[[torch.device, Size], list[Target]], device: torch.device, size: Size
) -> Findings:
    return [], check(device, size)


def _benched(module: str, options: Sequence[str]) -> Findings:
    """Return the findings of a benchmark in a process of its own."""
    command = [sys.executable, "-m", module, "--json", *options]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=_PATIENCE_S
    )
    return medians([done.stdout])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a miss under --check, 2 a wrong option."""
    return run_command(GpuBenchConfig, measure, argv, prog="python -m bench.gpu")


if __name__ == "__main__":
    sys.exit(main())
