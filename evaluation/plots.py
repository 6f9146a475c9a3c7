"""Plots as papers print them, without LaTeX and without a window system."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.conventions import ERROR_THRESHOLDS, Convention
from evaluation.scores import TrackerScore
from manifests.atomic import whole_file

_COLORS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
_STYLES = ("-", "--", "-.", ":")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Line:
    """One tracker in a plot."""

    tracker: str
    values: NDArray[np.float64]
    printed: float
    """The number in the legend, by which trackers are ranked."""


def plot_success(scores: Sequence[TrackerScore], *, title: str, convention: Convention) -> Figure:
    """Plot the fraction of frames over the overlap threshold; the legend prints the AUC."""
    lines = [
        Line(tracker=each.tracker, values=each.total.success, printed=each.total.auc)
        for each in scores
    ]
    figure = plot_lines(
        convention.overlap_thresholds, lines, title=f"Success plots of OPE on {title}"
    )
    _label(figure, x="Overlap threshold", y="Success rate")
    return figure


def plot_precision(scores: Sequence[TrackerScore], *, title: str) -> Figure:
    """Plot the fraction of frames over the allowed centre error; printed at 20 pixels."""
    lines = [
        Line(tracker=each.tracker, values=each.total.precision, printed=each.total.precision_at_20)
        for each in scores
    ]
    figure = plot_lines(ERROR_THRESHOLDS, lines, title=f"Precision plots of OPE on {title}")
    figure.axes[0].axvline(20, color="0.7", linewidth=1, zorder=0)
    _label(figure, x="Location error threshold [px]", y="Precision")
    return figure


def plot_normalised(
    scores: Sequence[TrackerScore], *, title: str, convention: Convention
) -> Figure:
    """Plot the fraction of frames over the allowed error in target sizes."""
    lines = [
        Line(
            tracker=each.tracker,
            values=each.total.normalised,
            printed=each.total.printed_normalised(convention),
        )
        for each in scores
    ]
    thresholds = convention.normalised_thresholds
    figure = plot_lines(thresholds, lines, title=f"Normalised precision of OPE on {title}")
    _label(figure, x="Normalised location error threshold", y="Normalised precision")
    return figure


def plot_lines(x: NDArray[np.float64], lines: Sequence[Line], *, title: str) -> Figure:
    """Plot lines ranked by the printed number, best first in the legend and on top."""
    figure = Figure(figsize=(6.4, 4.8), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    ranked = sorted(lines, key=lambda line: -line.printed)
    for index, line in enumerate(ranked):
        axes.plot(
            x,
            line.values,
            label=f"[{line.printed:.3f}] {line.tracker}",
            color=_COLORS[index % len(_COLORS)],
            linestyle=_STYLES[index // len(_COLORS) % len(_STYLES)],
            linewidth=2,
            zorder=3 + len(ranked) - index,
        )
    axes.set(title=title, xlim=(x[0], x[-1]), ylim=(0, 1))
    axes.set_yticks(np.linspace(0, 1, 11))
    axes.grid(color="0.9")
    axes.legend(loc="best", fontsize=8)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and PDF beside each other; ``path`` is without an ending."""
    for ending, metadata in (("png", None), ("pdf", {"CreationDate": None})):
        with whole_file(path.with_name(f"{path.name}.{ending}")) as temporary:
            figure.savefig(temporary, format=ending, metadata=metadata)


def _label(figure: Figure, *, x: str, y: str) -> None:
    figure.axes[0].set(xlabel=x, ylabel=y)
