"""Score the same result files under every evaluator's rules, beside printed numbers.

    python -m evaluation.compare --root data/raw/OTB100 --results results/otb100
    python -m evaluation.compare --benchmark lasot --results published/lasot --exclude SiamDW

Reads the results of many other toolkits too; docs/evaluation.md has their layouts.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from commands.run import run_command
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import BenchmarkName
from evaluation.presentation.tables import table_text
from evaluation.selection import Selection, find_selected, open_selected


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """Score result files under every evaluator's rules."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark."""
    root: str | None = None
    """Its folder; by default data/raw/<benchmark>."""
    results: str | None = None
    """Folder with one folder or zip of result files per tracker; by default
    results/<benchmark>."""
    selection: Annotated[Selection, tyro.conf.OmitArgPrefixes] = field(default_factory=Selection)


def run(config: CompareConfig) -> None:
    """Print the tables."""
    benchmark = open_selected(config.benchmark, config.root, config.selection)
    results = Path(config.results or f"results/{config.benchmark}")
    trackers = find_selected(benchmark, results, config.selection)
    tables = (benchmark.protocol.compare(benchmark, trackers), benchmark.record.printed)
    print("\n\n".join(table_text(table) for table in tables if table))
    if benchmark.note:
        print(f"Not the published {benchmark.title}: {benchmark.note}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        CompareConfig, run, argv, prog="python -m evaluation.compare", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
