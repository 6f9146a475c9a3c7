"""The one-pass protocol: its result files, its report and its comparison of evaluators."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from commands.pages.page import Table
from datasets.box_files import read_box_file
from evaluation.benchmark import Benchmark, Protocol, ReportOptions
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import MEASURES
from evaluation.onepass.report import write_onepass_report
from evaluation.onepass.scores import TrackerScore, score_tracker
from evaluation.onepass.tables import noise_table, summary_table
from evaluation.onepass.track import count_frames_left, follow_sequence, track_into
from evaluation.results.claim import read_note
from evaluation.results.folder import is_box_file
from evaluation.results.names import match_name
from evaluation.results.score_each import score_each
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence, Boxes, to_edges

Row = tuple[str | float | None, ...]
_COMPARED = {
    "AUC": "success (AUC)",
    "P @ 20 px": "precision @ 20 px",
    "norm. P @ 0.20": "normalised precision (0.20)",
    "norm. P mean": "normalised precision (mean)",
    "overlap > 0.5": "overlap > 0.5",
    "mean overlap": "mean overlap",
}
"""By column of the comparison, the measure."""


def report(
    benchmark: Benchmark, trackers: Sequence[TrackerResults], options: ReportOptions
) -> tuple[list[Table], Path]:
    """Score trackers and write the report; return the ranking and the page.

    Raises:
        SourceError: No tracker is complete, or the one that ran just now is not.
    """
    rules = CONVENTIONS[options.convention]

    def score(results: TrackerResults) -> TrackerScore:
        note = read_note(results.folders)
        return score_tracker(benchmark, results, convention=rules, note=note)

    scores = score_each(trackers, score, always=options.always)
    page = write_onepass_report(
        benchmark, scores, options.out, convention=rules, made_by=options.made_by
    )
    noise = noise_table(scores)
    ranking = summary_table(benchmark, scores, convention=rules)
    return [ranking, *([noise] if noise else [])], page


def compare(benchmark: Benchmark, trackers: Sequence[TrackerResults]) -> Table:
    """Return every tracker under every convention.

    Raises:
        SourceError: No tracker is complete.
    """

    def rows_of(results: TrackerResults) -> list[Row]:
        scores = [
            (name, score_tracker(benchmark, results, convention=rules))
            for name, rules in CONVENTIONS.items()
            if rules.any_benchmark or name == benchmark.record.convention
        ]
        return [
            (score.label, name, *(MEASURES[measure](score.total) for measure in _COMPARED.values()))
            for name, score in scores
        ]

    return Table(
        caption=f"{benchmark.title}: the same results under every evaluator's rules",
        columns=("tracker", "convention", *_COMPARED),
        rows=tuple(row for rows in score_each(trackers, rows_of) for row in rows),
    )


def _first_box(sequence: BenchmarkSequence) -> tuple[str, Boxes]:
    return "first_box", sequence.truth[0]


def _find_results(sequence: BenchmarkSequence, folder: Path) -> list[Path]:
    files = {path.stem: path for path in folder.glob("*.txt")}
    match = match_name(sequence.name, files)
    return [] if match is None else [files[match]]


def _starts_on(result: Path, sequence: BenchmarkSequence) -> bool:
    return np.allclose(read_box_file(result)[0], sequence.truth[0], rtol=0, atol=1e-3)


ONE_PASS = Protocol(
    track=track_into,
    count_frames_left=count_frames_left,
    start_box=to_edges,
    told=_first_box,
    is_result=is_box_file,
    find_results=_find_results,
    starts_on=_starts_on,
    report=report,
    compare=compare,
    follow=follow_sequence,
)
