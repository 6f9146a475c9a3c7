"""Plots as papers print them, without LaTeX and without a window system."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from commands.files import whole_file
from evaluation.conventions import ERROR_THRESHOLDS, Convention
from evaluation.scores import TrackerScore

COLORS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
_STYLES = ("-", "--", "-.", ":")
_LEGEND_COLUMNS = 2
_LEGEND_ROW_INCHES = 0.18


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
    """Plot lines; the legend ranks them by the printed number, colours follow the given order.

    A tracker that comes in the same place in every call keeps its colour over all plots.
    """
    figure = new_figure()
    axes = figure.subplots()
    ranked = sorted(enumerate(lines), key=lambda item: -item[1].printed)
    for place, (index, line) in enumerate(ranked):
        axes.plot(
            x,
            line.values,
            label=f"[{line.printed:.3f}] {line.tracker}",
            color=COLORS[index % len(COLORS)],
            linestyle=_STYLES[index // len(COLORS) % len(_STYLES)],
            linewidth=2,
            zorder=3 + len(ranked) - place,
        )
    axes.set(title=title, xlim=(x[0], x[-1]), ylim=(0, 1))
    axes.set_yticks(np.linspace(0, 1, 11))
    axes.grid(color="0.9")
    add_legend(figure)
    return figure


def new_figure() -> Figure:
    """Return an empty figure of the size that all plots have."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)  # inches
    figure = Figure(figsize=(6.4, 4.8), dpi=110, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def add_legend(figure: Figure) -> None:
    """Write the legend below the axes: curves of many trackers leave no free corner inside."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    num_rows = -(-len(labels) // _LEGEND_COLUMNS)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + _LEGEND_ROW_INCHES * num_rows)
    figure.legend(handles, labels, loc="outside lower center", ncols=_LEGEND_COLUMNS, fontsize=8)


def save_figure(figure: Figure, path: Path) -> bytes:
    """Write a figure as PNG and PDF beside each other and return the PNG.

    Args:
        figure: What to write.
        path: Without an ending.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with whole_file(path.with_name(f"{path.name}.png")) as temporary:
        temporary.write_bytes(buffer.getvalue())
    with whole_file(path.with_name(f"{path.name}.pdf")) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def _label(figure: Figure, *, x: str, y: str) -> None:
    figure.axes[0].set(xlabel=x, ylabel=y)
