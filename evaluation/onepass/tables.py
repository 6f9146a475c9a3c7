"""Tables of one-pass evaluation: the ranking, by sequence, by attribute, by run."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from commands.pages.tables import Table
from evaluation.benchmark import Benchmark
from evaluation.onepass.conventions import Convention
from evaluation.onepass.metrics import MEASURES, mean_curves
from evaluation.onepass.scores import TrackerScore, rank
from evaluation.presentation.intervals import difference_table

_NUM_ATTRIBUTE_MEASURES = 3
_MOST_OPEN_ROWS = 12


def summary_table(
    benchmark: Benchmark, scores: Sequence[TrackerScore], *, convention: Convention
) -> Table:
    """Return the ranking of the trackers under a convention."""
    return Table(
        caption=(
            f"{_describe(benchmark)}, {benchmark.num_frames:,} frames, "
            f"convention {convention.name} ({convention.title})"
        ),
        columns=("tracker", *convention.measures, "frames/s"),
        rows=tuple(
            (
                score.label,
                *(score.estimate(name) for name in convention.measures),
                score.frames_per_second,
            )
            for score in rank(scores)
        ),
        digits=(*(3 for _ in convention.measures), 1),
        higher_is_better=tuple(True for _ in convention.measures),
    )


def _describe(benchmark: Benchmark) -> str:
    described = f"{benchmark.title}, {len(benchmark.scored)} sequences"
    if benchmark.whole:
        described += f", {benchmark.experiment} with {len(benchmark.sequences):,} starts"
    return described


def noise_table(scores: Sequence[TrackerScore]) -> Table | None:
    """Return the best tracker's differences from the others; None if they cannot be computed."""
    ranked = rank(scores)
    headline = ranked[0].headline
    return difference_table(headline, {score.tracker: score.sums(headline) for score in ranked})


def sequence_table(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> Table:
    """Return the ranking measure of every tracker on every sequence."""
    ranked = rank(scores)
    headline = ranked[0].headline
    return Table(
        caption=f"{headline[0].upper()}{headline[1:]} by sequence",
        columns=("sequence", "frames", *(score.tracker for score in ranked)),
        rows=tuple(
            (
                sequence.name,
                len(sequence.frames),
                *(MEASURES[headline](score.per_sequence[sequence.name]) for score in ranked),
            )
            for sequence in benchmark.scored
        ),
        digits=(0, *(3 for _ in ranked)),
        best_of_row=2,
        folded=len(benchmark.scored) > _MOST_OPEN_ROWS,
    )


def run_table(scores: Sequence[TrackerScore]) -> Table | None:
    """Return each run of the trackers that ran more than once, with mean and spread."""
    repeated = [score for score in rank(scores) if len(score.runs) > 1]
    if not repeated:
        return None
    names = repeated[0].measures
    rows = []
    for score in repeated:
        values = np.array([[MEASURES[name](run) for name in names] for run in score.runs])
        label = f"{score.tracker}, {len(score.runs)} runs"
        rows.append((f"{label}: mean", *values.mean(axis=0).tolist()))
        rows.append((f"{label}: standard deviation", *values.std(axis=0, ddof=1).tolist()))
        rows += [(f"{label}: {n}", *row.tolist()) for n, row in enumerate(values, start=1)]
    return Table(
        caption="Several runs of a tracker; other tables and plots show their mean",
        columns=("run", *names),
        rows=tuple(rows),
        folded=len(rows) > _MOST_OPEN_ROWS,
    )


def attribute_scores(
    benchmark: Benchmark, scores: Sequence[TrackerScore]
) -> dict[str, list[TrackerScore]]:
    """Return the scores over the sequences of each attribute, most frequent attribute first."""
    members: dict[str, list[str]] = {}
    for sequence in benchmark.scored:
        for attribute in sequence.attributes:
            members.setdefault(attribute, []).append(sequence.name)
    return {
        f"{attribute} ({len(names)})": [
            replace(
                score,
                per_sequence={name: score.per_sequence[name] for name in names},
                total=mean_curves([score.per_sequence[name] for name in names]),
            )
            for score in scores
        ]
        for attribute, names in sorted(members.items(), key=lambda item: -len(item[1]))
    }


def attribute_tables(by_attribute: dict[str, list[TrackerScore]]) -> list[Table]:
    """Return a table per measure; trackers keep the order in which they are given."""
    if not by_attribute:
        return []
    trackers = next(iter(by_attribute.values()))
    return [
        Table(
            caption=f"{name[0].upper()}{name[1:]} by attribute",
            columns=("attribute (sequences)", *(score.tracker for score in trackers)),
            rows=tuple(
                (attribute, *(score.estimate(name) for score in subset))
                for attribute, subset in by_attribute.items()
            ),
            best_of_row=1,
        )
        for name in trackers[0].measures[:_NUM_ATTRIBUTE_MEASURES]
    ]
