"""The curves of a run as a figure, from its ``metrics.jsonl``."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from commands.files import whole_file
from trainer.output.metrics import METRICS, read_metrics
from trainer.validation.figures import KINDS
from trainer.validation.shown_figures import Figure as ShownFigure
from trainer.validation.shown_figures import figures_of, shown_groups, with_trivial

_PARTS = ("loss", "classification", "regression")


def write_curves(folder: Path) -> Path:
    """Draw ``curves.png`` in a run's folder and return its path."""
    path = folder / "curves.png"
    with whole_file(path) as temporary:
        draw_curves(folder).savefig(temporary, format="png", dpi=110)
    return path


def draw_curves(folder: Path) -> Figure:
    """Return the curves of a run's folder.

    Beside each figure of the validation, dashed, stands that of its trivial answer.
    """
    records = list(read_metrics(folder / METRICS))
    steps = [record for record in records if record["kind"] == "step"]
    validations = [record for record in records if record["kind"] == "validation"]
    groups = shown_groups(validations[-1]["figures"]) if validations else []
    shown = figures_of(validations[-1]["figures"]["all"]) if validations else ()
    num_rows = math.ceil((2 + len(shown)) / 3)
    figure = Figure(figsize=(15, 3.6 * num_rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(num_rows, 3, squeeze=False).flatten()
    _draw_loss(axes[0], steps, validations)
    _draw_auc(axes[1], validations)
    for axis, shown_figure in zip(axes[2:], shown, strict=False):
        _draw_figure(axis, shown_figure, groups, validations)
    for axis in axes[2 + len(shown) :]:
        axis.set_axis_off()
    if shown:
        lines = axes[2].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=len(groups))
    return figure


def smooth(values: NDArray[np.float64], *, window: int) -> NDArray[np.float64]:
    """Return the running mean over the last ``window`` values, fewer at the start."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    means: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def _draw_loss(axis: Any, steps: list[dict[str, Any]], validations: list[dict[str, Any]]) -> None:
    window = max(1, len(steps) // 50)
    for part in _PARTS:
        if steps and part in steps[0]:
            values = smooth(_column(steps, part), window=window)
            axis.plot(_column(steps, "step"), values, label=f"{part} (mean of {window} steps)")
    axis.plot(
        _column(validations, "step"), _column(validations, "loss"), "ko", ms=3, label="validation"
    )
    axis.legend(fontsize="small")
    _finish(axis, "loss")


def _draw_auc(axis: Any, validations: list[dict[str, Any]]) -> None:
    steps = _column(validations, "step")
    axis.plot(steps, _column(validations, "auc"), "C0o-", ms=3)
    axis.plot(steps, _column(validations, "middle_auc"), "C0--")
    _finish(axis, "AUC of the classification (dashed: the middle)")


def _draw_figure(
    axis: Any, figure: ShownFigure, groups: list[str], validations: list[dict[str, Any]]
) -> None:
    steps = _column(validations, "step")
    for number, group in enumerate(groups):
        pairs = [with_trivial(figure, record["figures"][group]) for record in validations]
        value, trivial = np.array(pairs, np.float64).T
        width = 2.5 if group in KINDS else 1.0
        axis.plot(steps, value, "o-", ms=3, lw=width, color=f"C{number}", label=group)
        axis.plot(steps, trivial, "--", lw=width, color=f"C{number}")
    _finish(axis, f"{figure.title} (dashed: {figure.answer})")


def _finish(axis: Any, title: str) -> None:
    axis.set_title(title)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)


def _column(records: list[dict[str, Any]], name: str) -> NDArray[np.float64]:
    return np.array([record[name] for record in records], dtype=np.float64)
