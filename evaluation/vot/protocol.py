"""VOT's supervised protocol: its result files, its report and its comparison of evaluators."""

from collections.abc import Sequence
from pathlib import Path

from commands.pages.page import Table
from evaluation.benchmark import Benchmark, Protocol, ReportOptions
from evaluation.regions import start_box
from evaluation.results.claim import read_note
from evaluation.results.entries import suffix_of
from evaluation.results.score_each import score_each
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence, Boxes
from evaluation.vot.measures import Ending
from evaluation.vot.report import noise_table, vot_table, write_vot_report
from evaluation.vot.result_files import run_path
from evaluation.vot.scores import VotTracker, score_vot
from evaluation.vot.toolkit import ask_toolkit, find_toolkit
from evaluation.vot.track import count_frames_left, repeat_supervised

_NOT_BASELINE = ("realtime", "unsupervised")
"""VOT's other experiments, which are not scored here."""
Row = tuple[str | float | None, ...]


def report(
    benchmark: Benchmark, trackers: Sequence[TrackerResults], options: ReportOptions
) -> tuple[list[Table], Path]:
    """Score trackers and write the report; return the tables to print and the page.

    Raises:
        SourceError: No tracker is complete, the one that ran just now is not, or the official
            toolkit failed.
    """
    ending: Ending = "pysot" if options.convention == "pysot" else "matlab"

    def score(results: TrackerResults) -> VotTracker:
        return score_vot(benchmark, results, ending=ending, note=read_note(results.folders))

    scores = score_each(trackers, score, always=options.always)
    opinion = None
    if options.ask_toolkit:
        names = {score.tracker for score in scores}
        complete = [tracker for tracker in trackers if tracker.name in names]
        opinion = ask_toolkit(find_toolkit(), benchmark, complete)
    page = write_vot_report(
        benchmark, scores, options.out, second_opinion=opinion, made_by=options.made_by
    )
    tables = (opinion, vot_table(benchmark, scores), noise_table(scores))
    return [table for table in tables if table is not None], page


def compare(benchmark: Benchmark, trackers: Sequence[TrackerResults]) -> Table:
    """Return every tracker under the two rules for the end of a sequence.

    Raises:
        SourceError: No tracker is complete.
    """
    endings: tuple[Ending, ...] = ("matlab", "pysot")

    def rows_of(results: TrackerResults) -> list[Row]:
        scores = [
            (ending, score_vot(benchmark, results, ending=ending).score) for ending in endings
        ]
        return [
            (results.name, ending, score.eao, score.accuracy, score.robustness)
            for ending, score in scores
        ]

    return Table(
        caption=f"{benchmark.title}: the same results under both evaluators' rules",
        columns=("tracker", "convention", "EAO", "accuracy", "robustness"),
        rows=tuple(row for rows in score_each(trackers, rows_of) for row in rows),
    )


def is_run_file(path: str) -> bool:
    """Return True if a path may be a repetition of the baseline experiment."""
    return suffix_of(path) in ("txt", "bin") and not set(path.split("/")) & set(_NOT_BASELINE)


def _truth(sequence: BenchmarkSequence) -> tuple[str, Boxes]:
    return "truth", sequence.truth  # it decides on failures and starts


def _find_results(sequence: BenchmarkSequence, folder: Path) -> list[Path]:
    return sorted(run_path(folder, sequence.name, 1).parent.glob("*.txt"))


def _starts_anywhere(result: Path, sequence: BenchmarkSequence) -> bool:
    return True  # a run does not hold its first box


SUPERVISED = Protocol(
    track=repeat_supervised,
    count_frames_left=count_frames_left,
    start_box=start_box,
    told=_truth,
    is_result=is_run_file,
    find_results=_find_results,
    starts_on=_starts_anywhere,
    report=report,
    compare=compare,
)
