"""Everything that a GPU is to show, with one command and one JSON object on stdout.

    python -m bench.gpu --check > gpu.json
    python -m bench.gpu --device cpu --tiny True

First whether it is right: correlations beside float64, the first step beside the CPU's, fifty steps
of compiled bf16 beside eager float32. Then how fast it is: a tracked frame, bench.network,
bench.train and bench.pairs. A part that fails leaves its error in the object, and the others run.
"""

import gc
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

import torch

from bench.findings import describe_machine
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

_CHECKS = {
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
    "bench.pairs": ("--processes", "1", "--pairs", "80", "--batch-size", "8", "--workers", "1"),
}
_PATIENCE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class GpuBenchConfig:
    """Check and measure everything on one device."""

    device: str = "auto"
    """auto, cpu or cuda."""
    tiny: bool = False
    """Tiny sizes: whether everything runs, not how fast."""
    parts: tuple[Annotated[str, one_of((*_CHECKS, *_BENCHES))], ...] = ()
    """What to run; empty is all."""
    check: bool = False
    """Exit 1 if a part failed or a target does not hold."""


def measure(config: GpuBenchConfig) -> int:
    """Run all parts and print the results."""
    device = choose_device(config.device)
    size, benches = (TINY, _TINY_BENCHES) if config.tiny else (Size(), _BENCHES)
    works: dict[str, Callable[[], dict[str, Any]]] = {
        name: partial(_checked, check, device, size) for name, check in _CHECKS.items()
    }
    for name, options in benches.items():
        works[name] = partial(_benched, name, ("--device", config.device, *options))
    start = time.perf_counter()
    wanted = config.parts or tuple(works)
    parts = {name: _part(name, work) for name, work in works.items() if name in wanted}
    seconds = round(time.perf_counter() - start, 1)
    on_gpu = device.type == "cuda"
    card = torch.cuda.get_device_name(device) if on_gpu else device.type
    found = {"machine": describe_machine(), "device": card, "seconds": seconds, "parts": parts}
    print(json.dumps(found, indent=1))
    bad = [name for name, part in parts.items() if "error" in part]
    for part in parts.values():
        bad += [each["name"] for each in part.get("targets", ()) if not each["holds"]]
    logger.info("all parts: %.0f s; missed or failed: %s", seconds, "; ".join(bad) or "nothing")
    return int(config.check and bool(bad))


def _part(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        result = work()
    except Exception as error:
        logger.exception("%s", name)
        result = {"error": f"{type(error).__name__}: {error}"}
    gc.collect()
    torch.cuda.empty_cache()
    seconds = round(time.perf_counter() - start, 1)
    logger.info("%s: %.1f s", name, seconds)
    return {"seconds": seconds} | result


def _checked(check: Callable[..., Any], device: torch.device, size: Size) -> dict[str, Any]:
    targets = check(device, size)
    return {"targets": [asdict(target) | {"holds": target.holds} for target in targets]}


def _benched(module: str, options: Sequence[str]) -> dict[str, Any]:
    """Return the JSON object of a benchmark in a process of its own."""
    command = [sys.executable, "-m", module, "--json", *options]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=_PATIENCE_S
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return {"rows": found["rows"], "targets": found["targets"]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a miss under --check, 2 a wrong option."""
    return run_command(GpuBenchConfig, measure, argv, prog="python -m bench.gpu")


if __name__ == "__main__":
    sys.exit(main())
