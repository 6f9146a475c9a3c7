"""What every benchmark ends with: a table or one JSON object, and whether its targets hold."""

import json
import logging
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Row = Mapping[str, str | int | float]
"""One line of a table, column name to value; units are in the names."""

_LIBRARIES = ("numpy", "opencv-python", "opencv-python-headless", "polars", "torch")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """What every benchmark can be asked for."""

    json: bool = False
    """Print one JSON object instead of tables."""
    check: bool = False
    """Exit 1 if a target does not hold."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A figure and the bound that it has to keep."""

    name: str
    value: float
    unit: str
    """Such as ``s`` or ``MB``; empty for a ratio."""
    target: float
    at_most: bool = False
    """Whether the bound is an upper one."""

    @property
    def holds(self) -> bool:
        """Whether the value keeps the bound; NaN does not."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def show(rows: Sequence[Row], targets: Sequence[Target], options: BenchOptions) -> int:
    """Print the findings.

    Returns:
        The exit code: 1 if ``--check`` was given and a target does not hold, else 0.
    """
    if options.json:
        judged = [asdict(target) | {"holds": target.holds} for target in targets]
        print(json.dumps({"machine": describe_machine(), "rows": list(rows), "targets": judged}))
    else:
        print("\n".join(f"{name}: {value}" for name, value in describe_machine().items()))
        _print_tables(rows)
        for target in targets:
            bound = f"at {'most' if target.at_most else 'least'} {_text(target.target)}"
            verdict = "holds" if target.holds else "does not hold"
            value = f"{_text(target.value)} {target.unit}".rstrip()
            print(f"{verdict:>13}: {target.name}: {value}, target {bound}")
    missed = [target.name for target in targets if not target.holds]
    if missed and options.check:
        logger.error("missed: %s. Other programs on the machine disturb it", "; ".join(missed))
    return int(options.check and bool(missed))


def medians(runs: Sequence[str]) -> tuple[list[Row], list[Target]]:
    """Return the medians of rows and targets of the JSON objects of runs of a benchmark."""
    found = [json.loads(run) for run in runs]
    rows: list[Row] = [
        {name: _median([row[name] for row in same]) for name in same[0]}
        for same in zip(*(run["rows"] for run in found), strict=True)
    ]
    targets = []
    for same in zip(*(run["targets"] for run in found), strict=True):
        values = {name: same[0][name] for name in ("name", "unit", "target", "at_most")}
        targets.append(Target(value=statistics.median(run["value"] for run in same), **values))
    return rows, targets


def _median(values: Sequence[Any]) -> str | int | float:
    if isinstance(values[0], str):
        return values[0]
    whole = all(isinstance(value, int) for value in values)
    median: int | float = (statistics.median_high if whole else statistics.median)(values)
    return median


def describe_machine() -> dict[str, str | int]:
    """Return the machine behind the figures: processor, cores, memory, and libraries' versions."""
    machine: dict[str, str | int] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "python": platform.python_version(),
    }
    machine["cores"] = machine["cores"] or os.cpu_count() or 0
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        machine["memory"] = f"{gigabytes:.0f} GB"
    for library in _LIBRARIES:
        try:
            machine[library] = version(library)
        except PackageNotFoundError:
            continue
    return machine


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _print_tables(rows: Sequence[Row]) -> None:
    """Print rows in aligned columns, with a new heading where the columns change."""
    start = 0
    for stop in range(1, len(rows) + 1):
        if stop < len(rows) and rows[stop].keys() == rows[start].keys():
            continue
        lines = [list(rows[start]), *([_text(v) for v in row.values()] for row in rows[start:stop])]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        print()
        for line in lines:
            print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
        start = stop
    print()


def _text(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value
