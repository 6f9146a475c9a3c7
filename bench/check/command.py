"""Compare every measure with the official evaluators' numbers: ``python -m evaluation.check``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.check.rows import check_rows
from commands.run import run_command
from datasets.tracks import SourceError


@dataclass(frozen=True, kw_only=True)
class CheckConfig:
    """Compare our measures with those of the official evaluators."""

    folder: Path = Path("../shared/check")
    """The check set."""


def run(config: CheckConfig) -> int:
    """Print the table; 1 if a number differs."""
    num_different = 0
    columns = ("benchmark", "tracker", "evaluator", "measure", "ours", "official", "printed")
    print("{:<9} {:<12} {:<23} {:<13} {:>11} {:>11}  {}".format(*columns))
    for row in check_rows(config.folder):
        num_different += not row.agrees
        mark = "" if row.agrees else "  <- differs"
        print(
            f"{row.benchmark:<9} {row.tracker:<12} {row.evaluator:<23} {row.measure:<13} "
            f"{row.ours:>11.7f} {row.official:>11.7f}  {row.printed}{mark}"
        )
    print("all agree" if num_different == 0 else f"{num_different} numbers differ")
    return 1 if num_different else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if all agree, 1 if not, 2 a wrong option."""
    return run_command(
        CheckConfig, run, argv, prog="python -m evaluation.check", errors=(SourceError,)
    )
