"""The protocol of test parts without public boxes: one pass, and an archive for their server."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from commands.pages.page import Table
from commands.places import keep_inputs
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark, Protocol, ReportOptions
from evaluation.onepass.alignment import read_result
from evaluation.onepass.protocol import ONE_PASS
from evaluation.results.claim import read_note
from evaluation.results.layouts import Layout, lay_out, write_zip
from evaluation.results.score_each import score_each
from evaluation.results.tracked_on import check_tracked_on
from evaluation.results.tracker import TrackerResults


def hand_in(layout: Layout) -> Protocol:
    """Return the protocol of a server that takes a zip of some layout."""
    return replace(ONE_PASS, report=partial(_report, layout=layout), compare=_compare)


def _report(
    benchmark: Benchmark,
    trackers: Sequence[TrackerResults],
    options: ReportOptions,
    *,
    layout: Layout,
) -> tuple[list[Table], Path]:
    """Write ``<out>/<tracker>.zip`` per tracker; return a table of them, and the last archive.

    Raises:
        SourceError: No tracker is complete, or the one that ran just now is not.
    """
    names = [each.name for each in benchmark.sequences]
    archives = []

    def pack(results: TrackerResults) -> tuple[str | float | None, ...]:
        check_tracked_on(benchmark, results.folders)
        _check_lengths(benchmark, results)
        archive = options.out / f"{results.name.rpartition('/')[2]}.zip"
        keep_inputs(results.folders, files=[archive])
        write_zip(archive, lay_out(results, names, layout))
        archives.append(archive)
        note = read_note(results.folders)
        label = f"{results.name} ({note})" if note else results.name
        return label, len(names), results.median_speed(names), str(archive)

    rows = score_each(trackers, pack, always=options.always)
    caption = f"{benchmark.title}: {benchmark.num_frames:,} frames, scored by its server only"
    columns = ("tracker", "sequences", "frames/s", "archive to hand in")
    table = Table(caption=caption, columns=columns, rows=tuple(rows), digits=(0, 1, 0))
    return [table], archives[-1]


def _check_lengths(benchmark: Benchmark, results: TrackerResults) -> None:
    """Raise SourceError unless each sequence has a box per frame."""
    problems = {}
    for sequence in benchmark.sequences:
        try:
            for path in results.paths_of(sequence.name):
                boxes = read_result(results, path, sequence, benchmark.files)
                if len(boxes) != len(sequence.frames):
                    raise SourceError(
                        f"{results.files.where(path)}: {len(boxes)} boxes, expected "
                        f"{len(sequence.frames)}, one per frame"
                    )
        except SourceError as error:
            problems[sequence.name] = str(error)
    if problems:
        reason = next(iter(problems.values()))
        raise SourceError(
            f"{len(problems)} of {len(benchmark.sequences)} sequences have no whole result: "
            f"{reason.rstrip('.')}. Delete what is damaged, and track again"
        )


def _compare(benchmark: Benchmark, trackers: Sequence[TrackerResults]) -> Table:
    """Raise SourceError: there is nothing to compare with."""
    raise SourceError(
        f"{benchmark.title} has no public boxes, so that only its server can score. evaluation.run "
        "writes the archive for it"
    )
