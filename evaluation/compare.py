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

from commands.page import Table
from commands.run import run_command
from datasets.tracks import SourceError
from evaluation.benchmarks import BenchmarkName
from evaluation.conventions import CONVENTIONS
from evaluation.references import PRINTED
from evaluation.report import table_text
from evaluation.results.tracker import TrackerResults
from evaluation.scores import score_tracker
from evaluation.selection import Selection, find_selected, open_selected, score_each
from evaluation.sequences import Benchmark
from evaluation.vot_measures import Ending
from evaluation.vot_scores import score_vot

Row = tuple[str | float | None, ...]


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """Score result files under every evaluator's rules."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark."""
    root: str = ""
    """Its folder; empty takes data/raw/<benchmark>."""
    results: str = ""
    """Folder with one folder or zip of result files per tracker; empty takes
    results/<benchmark>."""
    selection: Annotated[Selection, tyro.conf.OmitArgPrefixes] = field(default_factory=Selection)


def compare_one_pass(benchmark: Benchmark, trackers: Sequence[TrackerResults]) -> Table:
    """Return every tracker under every convention.

    Raises:
        SourceError: No tracker is complete.
    """

    def rows_of(results: TrackerResults) -> list[Row]:
        scores = [
            (name, score_tracker(benchmark, results, convention=rules))
            for name, rules in CONVENTIONS.items()
        ]
        return [
            (
                each.label,
                name,
                each.total.auc,
                each.total.precision_at_20,
                float(each.total.normalised[20]),
                float(each.total.normalised.mean()),
                each.total.success_at_half,
            )
            for name, each in scores
        ]

    return Table(
        caption=f"{benchmark.title}: the same results under every evaluator's rules",
        columns=(
            "tracker",
            "convention",
            "AUC",
            "P @ 20 px",
            "norm. P @ 0.20",
            "norm. P mean",
            "overlap > 0.5",
        ),
        rows=tuple(row for rows in score_each(trackers, rows_of) for row in rows),
    )


def compare_supervised(benchmark: Benchmark, trackers: Sequence[TrackerResults]) -> Table:
    """Return every tracker under the two rules for the end of a sequence.

    Raises:
        SourceError: No tracker is complete.
    """
    endings: tuple[Ending, ...] = ("matlab", "pysot")

    def rows_of(results: TrackerResults) -> list[Row]:
        scores = [(each, score_vot(benchmark, results, ending=each).score) for each in endings]
        return [
            (results.name, ending, score.eao, score.accuracy, score.robustness)
            for ending, score in scores
        ]

    return Table(
        caption=f"{benchmark.title}: the same results under both evaluators' rules",
        columns=("tracker", "convention", "EAO", "accuracy", "robustness"),
        rows=tuple(row for rows in score_each(trackers, rows_of) for row in rows),
    )


def run(config: CompareConfig) -> None:
    """Print the tables."""
    benchmark = open_selected(config.benchmark, config.root, config.selection)
    results = Path(config.results or f"results/{config.benchmark}")
    trackers = find_selected(benchmark, results, config.selection)
    compare = compare_supervised if benchmark.supervised else compare_one_pass
    tables = [compare(benchmark, trackers)]
    if config.benchmark in PRINTED:
        tables.append(PRINTED[config.benchmark])
    print("\n\n".join(table_text(table) for table in tables))
    if benchmark.note:
        print(f"Not the published {benchmark.title}: {benchmark.note}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        CompareConfig, run, argv, prog="python -m evaluation.compare", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
