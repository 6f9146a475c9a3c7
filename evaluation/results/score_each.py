"""Scores of every complete tracker, sequence by sequence; others are left out with a warning."""

import logging
import shlex
from collections.abc import Callable, Sequence
from typing import TypeVar

from commands.places import require_utf8
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.results.tracked_on import check_tracked_on
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence

logger = logging.getLogger(__name__)
Score = TypeVar("Score")


def score_each(
    trackers: Sequence[TrackerResults],
    score: Callable[[TrackerResults], Score],
    *,
    always: str = "",
) -> list[Score]:
    """Return the score of every tracker that is complete.

    One that lacks results is left out with a warning that names them; it must not keep the others
    from their table. ``always`` names the tracker that ran just now: its error is this command's.

    Raises:
        SourceError: Of all trackers none is complete, or the one of ``always`` is not.
    """
    scores: list[Score] = []
    for tracker in trackers:
        require_utf8(tracker.name)  # for the plots
        try:
            scores.append(score(tracker))
        except SourceError as error:
            if (always and tracker.is_named(always)) or len(trackers) == 1:
                raise
            logger.warning("%s is left out: %s", tracker.name, error)
    if not scores:
        raise SourceError(f"none of the {len(trackers)} trackers is complete; see the lines above")
    return scores


def measure_each(
    benchmark: Benchmark, results: TrackerResults, measure: Callable[[BenchmarkSequence], Score]
) -> dict[str, Score]:
    """Return what a tracker reaches on each sequence, by name.

    Raises:
        SourceError: Results or images are missing or damaged, and all such sequences are named, so
            that they can be pasted; or they were tracked on another truth or on other frames.
    """
    check_tracked_on(benchmark, results.folders)
    measured: dict[str, Score] = {}
    problems: dict[str, str] = {}
    for sequence in benchmark.sequences:
        try:
            measured[sequence.name] = measure(sequence)
        except SourceError as error:
            problems[sequence.name] = str(error)
    if problems:
        num_sequences = len(benchmark.sequences)
        reason = next(iter(problems.values())).rstrip(".")
        message = f"{len(problems)} of {num_sequences} sequences cannot be scored: {reason}"
        if measured:
            message += f". To score without them, pass --exclude-sequences {shlex.join(problems)}"
        raise SourceError(message)
    return measured
