"""Score the same result files under every evaluator's rules, beside printed numbers.

python -m evaluation.compare --benchmark otb100 --root data/raw/OTB100 --results results/otb100
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.tracks import SourceError
from evaluation.benchmarks import BENCHMARKS, BenchmarkName, open_benchmark
from evaluation.conventions import CONVENTIONS
from evaluation.references import PRINTED
from evaluation.report import table_text
from evaluation.results import list_trackers
from evaluation.scores import score_tracker
from evaluation.sequences import Benchmark
from evaluation.vot_measures import Ending
from evaluation.vot_scores import score_vot
from manifests.cli import run_command
from manifests.page import Table


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """Score result files under every evaluator's rules."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark."""
    root: str = ""
    """Its folder; empty takes data/raw/<benchmark>."""
    results: str = ""
    """Folder with one folder of result files per tracker; empty takes results/<benchmark>."""


def compare_one_pass(benchmark: Benchmark, results: Path) -> Table:
    """Return every tracker under every convention."""
    rows: list[tuple[str | float | None, ...]] = []
    for name in list_trackers(results):
        for convention in CONVENTIONS.values():
            total = score_tracker(benchmark, results / name, convention=convention).total
            rows.append(
                (
                    name,
                    convention.name,
                    total.auc,
                    total.precision_at_20,
                    float(total.normalised[20]),
                    float(total.normalised.mean()),
                    total.success_at_half,
                )
            )
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
        rows=tuple(rows),
    )


def compare_supervised(benchmark: Benchmark, results: Path) -> Table:
    """Return every tracker under the two rules for the end of a sequence."""
    rows: list[tuple[str | float | None, ...]] = []
    endings: tuple[Ending, ...] = ("matlab", "pysot")
    for name in list_trackers(results):
        for ending in endings:
            score = score_vot(benchmark, results / name, ending=ending).score
            rows.append((name, ending, score.eao, score.accuracy, score.robustness))
    return Table(
        caption=f"{benchmark.title}: the same results under both evaluators' rules",
        columns=("tracker", "convention", "EAO", "accuracy", "robustness"),
        rows=tuple(rows),
    )


def run(config: CompareConfig) -> None:
    """Print the tables."""
    root = config.root or f"data/raw/{config.benchmark}"
    benchmark = open_benchmark(config.benchmark, root)
    results = Path(config.results or f"results/{config.benchmark}")
    supervised = BENCHMARKS[config.benchmark].supervised
    compare = compare_supervised if supervised else compare_one_pass
    tables = [compare(benchmark, results)]
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
