"""The curves of a run as a picture, from its ``metrics.jsonl``."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from manifests.atomic import whole_file
from trainer.journal import METRICS, read_metrics

_VALIDATION = {
    "mean_iou": "mean IoU",
    "center_error_px": "centre error in px of the search crop",
    "auc": "AUC of the classification",
}
_PARTS = ("loss", "classification", "regression")


def write_curves(folder: Path) -> Path:
    """Draw ``curves.png`` in a run's folder and return its path."""
    records = list(read_metrics(folder / METRICS))
    steps = [record for record in records if record["kind"] == "step"]
    validations = [record for record in records if record["kind"] == "validation"]
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2).flatten()
    _draw_loss(axes[0], steps, validations)
    for axis, (name, title) in zip(axes[1:], _VALIDATION.items(), strict=True):
        axis.plot(_column(validations, "step"), _column(validations, name), marker="o", ms=3)
        axis.set_title(title)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    path = folder / "curves.png"
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    return path


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
    axis.set_title("loss")
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")


def _column(records: list[dict[str, Any]], name: str) -> NDArray[np.float64]:
    return np.array([record[name] for record in records], dtype=np.float64)
