"""Two trackers sequence by sequence: where they part, and the frames of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from commands.pages.figures import BAND, figure_svg
from commands.pages.page import Picture, Section
from commands.pages.tables import Cell, Table
from evaluation.benchmark import Benchmark
from evaluation.onepass.alignment import read_result
from evaluation.onepass.conventions import Boxes, Convention
from evaluation.onepass.filmstrips import filmstrip
from evaluation.onepass.metrics import MEASURES, Values, overlap, prepare_predictions
from evaluation.onepass.scores import TrackerScore
from evaluation.presentation.plots import COLORS, add_legend, new_figure, plain_label
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence

HIT = 0.5
"""Overlap above which a tracker is on the target."""
_NUM_SHOWN = 10
_NUM_FRAMES = 6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Parting:
    """One sequence: the overlaps of both trackers, and where one is on the target alone."""

    sequence: BenchmarkSequence
    boxes: tuple[Boxes, Boxes]
    overlaps: tuple[Values, Values]
    """(T,) of each tracker; NaN where the target has no box or is absent."""
    values: tuple[float, float]
    """Ranking measure of each tracker."""
    apart: slice
    """The longest run of frames in which one overlap alone is above `HIT`; it may be empty."""

    @property
    def difference(self) -> float:
        """By how much the first tracker is better."""
        return self.values[0] - self.values[1]

    @property
    def num_apart(self) -> int:
        """Frames of the run."""
        return int(self.apart.stop - self.apart.start)


def find_partings(
    benchmark: Benchmark, scores: tuple[TrackerScore, TrackerScore], *, convention: Convention
) -> list[Parting]:
    """Return every sequence, from the first tracker's best to the second one's.

    Of several runs of a tracker the boxes are those of the first.
    """
    partings = []
    for sequence in benchmark.scored:
        boxes = [_read_boxes(score.results, sequence, benchmark, convention) for score in scores]
        hidden = np.isnan(sequence.truth).any(axis=1)
        if sequence.absent is not None:
            hidden |= sequence.absent
        overlaps = [
            np.where(hidden, np.nan, overlap(rows, sequence.truth, convention=convention))
            for rows in boxes
        ]
        values = [MEASURES[score.headline](score.per_sequence[sequence.name]) for score in scores]
        partings.append(
            Parting(
                sequence=sequence,
                boxes=(boxes[0], boxes[1]),
                overlaps=(overlaps[0], overlaps[1]),
                values=(values[0], values[1]),
                apart=longest_run((overlaps[0] > HIT) != (overlaps[1] > HIT)),
            )
        )
    return sorted(partings, key=lambda parting: -parting.difference)


def _read_boxes(
    results: TrackerResults | None,
    sequence: BenchmarkSequence,
    benchmark: Benchmark,
    convention: Convention,
) -> Boxes:
    assert results is not None
    path = results.paths_of(sequence.name)[0]
    boxes = read_result(results, path, sequence, benchmark.files)
    return prepare_predictions(boxes, sequence.truth, convention=convention)


def longest_run(flags: NDArray[np.bool_]) -> slice:
    """Return the longest run of True, the first of several; empty if there is none."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    starts, stops = changes[::2], changes[1::2]
    if not starts.size:
        return slice(0, 0)
    longest = int(np.argmax(stops - starts))
    return slice(int(starts[longest]), int(stops[longest]))


def parting_table(partings: Sequence[Parting], trackers: Sequence[str], *, measure: str) -> Table:
    """Return both values on each sequence, and where one tracker is on the target alone."""
    rows: list[tuple[Cell, ...]] = []
    for parting in partings:
        first = parting.apart.start + 1 if parting.num_apart else None
        sequence, values = parting.sequence, (*parting.values, parting.difference)
        rows.append((sequence.name, len(sequence.frames), *values, first, parting.num_apart))
    return Table(
        caption=f"{measure[0].upper()}{measure[1:]} by sequence",
        columns=("sequence", "frames", *trackers, "difference", "part at frame", "for frames"),
        rows=tuple(rows),
        digits=(0, 3, 3, 3, 0, 0),
    )


def parting_sections(
    partings: Sequence[Parting], trackers: tuple[str, str], benchmark: Benchmark
) -> list[Section]:
    """Return a section per sequence for those with the largest differences."""
    chosen = sorted(partings, key=lambda parting: -abs(parting.difference))
    sections = []
    for parting in [parting for parting in chosen if parting.num_apart][:_NUM_SHOWN]:
        name = parting.sequence.name
        better = trackers[0] if parting.difference > 0 else trackers[1]
        first, last = parting.apart.start + 1, parting.apart.stop
        pictures = [
            Picture(
                figure=figure_svg(_plot_overlaps(parting, trackers)),
                alt=f"Overlap of both trackers over the frames of {name}",
                caption=f"Grey: frames {first} to {last}, where one tracker alone is above {HIT}.",
            )
        ]
        strip = filmstrip(
            parting.sequence, parting.boxes, benchmark.files, frames=_frames_around(parting)
        )
        if strip is not None:
            caption = f"Green is the truth, red {trackers[0]}, dashed blue {trackers[1]}."
            alt = f"Frames of {name} where the trackers part"
            pictures.append(Picture(figure=strip, alt=alt, caption=caption, wide=True))
        sections.append(
            Section(
                title=name,
                text=f"{better} is better by {abs(parting.difference):.3f}.",
                pictures=tuple(pictures),
            )
        )
    return sections


def _frames_around(parting: Parting) -> NDArray[np.intp]:
    """Return frames from just before the trackers part to the end of the run."""
    start, stop = max(parting.apart.start - 2, 0), parting.apart.stop
    return np.unique(np.linspace(start, stop - 1, _NUM_FRAMES).round().astype(np.intp))


def _plot_overlaps(parting: Parting, trackers: tuple[str, str]) -> Figure:
    figure = new_figure()
    axes = figure.subplots()
    frames = np.arange(1, len(parting.sequence.frames) + 1)
    axes.axvspan(parting.apart.start + 1, parting.apart.stop, color=BAND, zorder=0)
    for tracker, values, color, style in zip(
        trackers, parting.overlaps, COLORS, ("-", "--"), strict=False
    ):
        axes.plot(
            frames, np.maximum(values, 0), color=color, linestyle=style, label=plain_label(tracker)
        )
    axes.set(title=parting.sequence.name, xlabel="Frame", ylabel="Overlap", ylim=(0, 1))
    axes.set(xlim=(1, max(len(frames), 2)))
    add_legend(figure)
    return figure
