"""Millions of rows, thousands of shards, many steps: time and memory beside their targets.

    python -m bench.load --check
    python -m bench.load --only manifests --rows 5000000
    python -m bench.load --only steps --steps 100000
    python -m bench.load --only store --shards 2000 --readers 16

Times are the processor's where other programs would disturb the wall clock.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from bench.findings import BenchOptions, Row, Target, show
from bench.load.manifests import measure_manifests
from bench.load.steps import measure_steps
from bench.load.store import measure_store
from bench.pairs.bucket import can_serve
from commands.run import run_command
from manifests.schema import ManifestError

Measure = Callable[[Path], tuple[list[Row], list[Target]]]


@dataclass(frozen=True, kw_only=True)
class LoadConfig(BenchOptions):
    """Measure under load."""

    only: Literal["manifests", "store", "steps"] | None = None
    """One of the measurements; by default all."""
    rows: int = 500_000
    """Rows of manifests."""
    shards: int = 100
    """Shards in a bucket."""
    readers: int = 4
    """Processes that read them."""
    steps: int = 1000
    """Steps of the run."""

    def __post_init__(self) -> None:
        """Reject numbers that measure nothing."""
        if min(self.rows, self.shards, self.readers) < 1 or self.steps < 1000:
            raise ValueError("--rows, --shards, --readers: at least 1; --steps: at least 1000")


def measure(config: LoadConfig) -> int:
    """Run the measurements and print the figures."""
    measurements: Mapping[str, Measure] = {
        "manifests": partial(measure_manifests, rows=config.rows),
        "store": partial(measure_store, shards=config.shards, readers=config.readers),
        "steps": partial(measure_steps, steps=config.steps),
    }
    rows: list[Row] = []
    targets: list[Target] = []
    for name, work in measurements.items():
        if config.only not in (None, name):
            continue
        if name == "store" and not can_serve():
            print("store: skipped, moto and s3fs are not installed", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory(prefix="load-") as folder:
            more_rows, more_targets = work(Path(folder))
        rows += more_rows
        targets += more_targets
    return show(rows, targets, config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command(
        LoadConfig, measure, argv, prog="python -m bench.load", errors=(ManifestError,)
    )


if __name__ == "__main__":
    sys.exit(main())
