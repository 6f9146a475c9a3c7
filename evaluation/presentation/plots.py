"""Plots as papers print them, without LaTeX and without a window system."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from commands.files import whole_file
from commands.pages.figures import GRID, figure_svg
from commands.safe_text import printable

COLORS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
_STYLES = ("-", "--", "-.", ":")
_LONGEST_LABEL = 50
_LONGEST_IN_TWO_COLUMNS = 24
_LEGEND_ROW_INCHES = 0.2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Line:
    """One tracker in a plot."""

    tracker: str
    values: NDArray[np.float64]
    printed: float
    """The number in the legend, by which trackers are ranked."""


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
            label=f"[{line.printed:.3f}] {plain_label(line.tracker)}",
            color=COLORS[index % len(COLORS)],
            linestyle=_STYLES[index // len(COLORS) % len(_STYLES)],
            linewidth=2,
            zorder=3 + len(ranked) - place,
        )
    axes.set_title(title, fontsize=10, wrap=True)
    axes.set(xlim=(x[0], x[-1]), ylim=(0, 1))
    axes.set_yticks(np.linspace(0, 1, 11))
    axes.grid(color=GRID)
    add_legend(figure)
    return figure


def new_figure() -> Figure:
    """Return an empty figure of the size that all plots have: readable on a phone's width."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)  # inches
    figure = Figure(figsize=(5.2, 3.9), dpi=110, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def plain_label(name: str) -> str:
    """Return a name for a plot: short, without control characters, and not taken for a formula."""
    short = name if len(name) <= _LONGEST_LABEL else f"{name[:_LONGEST_LABEL]}..."
    return printable(short.replace("\n", " ")).replace("$", r"\$")


def add_legend(figure: Figure) -> None:
    """Write the legend below the axes: curves of many trackers leave no free corner inside."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    num_columns = 2 if max(map(len, labels), default=0) <= _LONGEST_IN_TWO_COLUMNS else 1
    num_rows = -(-len(labels) // num_columns)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + _LEGEND_ROW_INCHES * num_rows)
    figure.legend(handles, labels, loc="outside lower center", ncols=num_columns, fontsize=9)


def save_figure(figure: Figure, path: Path) -> str:
    """Write a figure as PNG and PDF beside each other and return it as SVG for a page.

    Args:
        figure: The figure.
        path: Without an ending.
    """
    for ending, metadata in (("png", {}), ("pdf", {"CreationDate": None})):
        with whole_file(path.with_name(f"{path.name}.{ending}")) as temporary:
            figure.savefig(temporary, format=ending, metadata=metadata)
    return figure_svg(figure)
