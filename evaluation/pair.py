"""Compare two trackers sequence by sequence, and show the frames where they part.

    python -m evaluation.pair --root data/raw/OTB100 --trackers DCFFNet SiamFC
    python -m evaluation.pair --benchmark lasot --results published/lasot --trackers ATOM DiMP

The page has a paired test over all sequences, both trackers on each sequence, and for the largest
differences the overlap over time. Frames are shown where the images are at hand.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from commands.pages.page import Section, write_page
from commands.places import keep_inputs
from commands.provenance import describe_run
from commands.run import run_command
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import BenchmarkName
from evaluation.onepass.conventions import CONVENTIONS, ConventionName
from evaluation.onepass.pair import find_partings, parting_sections, parting_table
from evaluation.onepass.scores import rank, score_tracker
from evaluation.onepass.tables import noise_table, summary_table
from evaluation.presentation.intervals import INTERVALS
from evaluation.presentation.tables import table_text
from evaluation.selection import Selection, find_selected, open_selected

_PROG = "python -m evaluation.pair"


@dataclass(frozen=True, kw_only=True)
class PairConfig:
    """Compare two trackers sequence by sequence."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark, of one pass."""
    root: str | None = None
    """Its folder; by default data/raw/<benchmark>."""
    results: str | None = None
    """Folder with one folder or zip of result files per tracker; by default
    results/<benchmark>."""
    out: Path | None = None
    """Page to write; by default reports/<benchmark>/pair.html."""
    selection: Annotated[Selection, tyro.conf.OmitArgPrefixes] = field(default_factory=Selection)
    convention: ConventionName | None = None
    """Rules of measuring; without it, those that papers print for the benchmark."""


def run(config: PairConfig) -> None:
    """Print the tables and write the page."""
    out = config.out or Path(f"reports/{config.benchmark}/pair.html")
    benchmark = open_selected(config.benchmark, config.root, config.selection)
    if benchmark.record.protocol != "one-pass" or benchmark.whole:
        raise SourceError(f"--benchmark {config.benchmark}: only one-pass results are compared")
    keep_inputs([benchmark.files.root], files=[out])
    results = Path(config.results or f"results/{config.benchmark}")
    trackers = find_selected(benchmark, results, config.selection)
    if len(trackers) != 2:
        raise SourceError(f"--trackers: {len(trackers)} trackers in {results}, expected two")
    rules = CONVENTIONS[config.convention or benchmark.record.convention]
    first, second = rank(
        [score_tracker(benchmark, results, convention=rules) for results in trackers]
    )
    names = (first.tracker, second.tracker)
    partings = find_partings(benchmark, (first, second), convention=rules)
    noise = noise_table([first, second])
    summary = summary_table(benchmark, [first, second], convention=rules)
    by_sequence = parting_table(partings, names, measure=first.headline)
    sections = [
        Section(
            title="Over all sequences",
            text=rules.explanation + INTERVALS,
            tables=(summary, *([noise] if noise else [])),
        ),
        Section(
            title="Sequence by sequence",
            text="Two trackers part where one alone overlaps the target by more than a half.",
            tables=(by_sequence,),
        ),
        *parting_sections(partings, names, benchmark),
    ]
    title = f"{benchmark.title}: {names[0]} and {names[1]}"
    write_page(str(out), title, sections, made_by=describe_run(_PROG, config))
    print("\n\n".join(map(table_text, [summary, *([noise] if noise else []), by_sequence])))
    print(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    common = ("benchmark", "root", "results", "out", "selection.trackers", "selection.sequences")
    return run_command(PairConfig, run, argv, prog=_PROG, common=common, errors=(SourceError,))


if __name__ == "__main__":
    sys.exit(main())
