"""Trackers and sequences to score."""

from dataclasses import dataclass
from pathlib import Path

from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.benchmarks.open_benchmark import BenchmarkName, open_benchmark
from evaluation.onepass.starts import Experiment, open_experiment
from evaluation.results.folder import find_trackers
from evaluation.results.tracker import TrackerResults


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Trackers and sequences to score."""

    trackers: tuple[str, ...] = ()
    """Names of the only trackers to score; empty scores all that have results."""
    exclude: tuple[str, ...] = ()
    """Names of trackers to leave out."""
    sequences: tuple[str, ...] = ()
    """Names of the only sequences to use; empty uses all."""
    exclude_sequences: tuple[str, ...] = ()
    """Names of sequences to leave out."""
    experiment: Experiment = "ope"
    """One pass from the first frame; or OTB's robustness evaluations: tre from 20 frames, sre from
    12 boxes beside the true one. Their results lie beside those of one pass."""


def open_selected(name: BenchmarkName, root: str | None, selection: Selection) -> Benchmark:
    """Open a benchmark with the selected sequences only.

    Raises:
        SourceError: Nothing usable lies under the root, or a name does not exist.
    """
    benchmark = open_benchmark(
        name,
        root or f"data/raw/{name}",
        only=selection.sequences,
        without=selection.exclude_sequences,
    )
    return open_experiment(benchmark, selection.experiment)


def find_selected(
    benchmark: Benchmark, results: Path, selection: Selection, *, always: str = ""
) -> list[TrackerResults]:
    """Return the selected trackers of a folder of results.

    Args:
        benchmark: The benchmark.
        results: Folder or archive of the results.
        selection: Which to keep.
        always: The tracker that ran just now, which is kept whatever the selection.

    Raises:
        SourceError: A selected name is not there, or none is left.
    """
    there = find_trackers(
        results,
        benchmark.all_names,
        prefix=benchmark.record.result_prefix,
        is_result=benchmark.protocol.is_result,
    )
    names = [tracker.name for tracker in there]
    for option, wanted in (("--trackers", selection.trackers), ("--exclude", selection.exclude)):
        if missing := [
            name for name in wanted if not any(tracker.is_named(name) for tracker in there)
        ]:
            raise SourceError(
                f"{option}: no tracker {missing[0]!r} in {results}, expected some of "
                f"{', '.join(names)}"
            )
    chosen = [
        tracker
        for tracker in there
        if (always and tracker.is_named(always))
        or (
            any(map(tracker.is_named, selection.trackers or names))
            and not any(map(tracker.is_named, selection.exclude))
        )
    ]
    if not chosen:
        raise SourceError("--exclude: no tracker is left to score. Name fewer")
    return chosen
