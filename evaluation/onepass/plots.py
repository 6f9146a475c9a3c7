"""The plots of one-pass evaluation: success, precision and normalised precision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from evaluation.onepass.conventions import ERROR_THRESHOLDS, Convention
from evaluation.onepass.metrics import Curves, Values
from evaluation.onepass.scores import TrackerScore
from evaluation.presentation.plots import Line, plot_lines


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """One kind of curve."""

    title: str
    x: str
    y: str
    alt: str
    """What a reader who cannot see it is told."""
    thresholds: Callable[[Convention], Values]
    values: Callable[[Curves], Values]
    printed: Callable[[TrackerScore, Convention], float]
    """Number in the legend."""
    mark: float | None = None
    """Threshold of the printed number, where it is one."""


PLOTS: Mapping[str, Plot] = {
    "success": Plot(
        title="Success plots",
        x="Overlap threshold",
        y="Success rate",
        alt="Success over overlap threshold",
        thresholds=lambda rules: rules.overlap_thresholds,
        values=lambda curves: curves.success,
        printed=lambda score, _: score.value,
    ),
    "precision": Plot(
        title="Precision plots",
        x="Location error threshold [px]",
        y="Precision",
        alt="Precision over the allowed centre error in px",
        thresholds=lambda _: ERROR_THRESHOLDS,
        values=lambda curves: curves.precision,
        printed=lambda score, _: score.total.precision_at_20,
        mark=20,
    ),
    "normalised_precision": Plot(
        title="Normalised precision",
        x="Normalised location error threshold",
        y="Normalised precision",
        alt="Precision over the allowed error in target sizes",
        thresholds=lambda rules: rules.normalised_thresholds,
        values=lambda curves: curves.normalised,
        printed=lambda score, rules: score.total.printed_normalised(rules),
    ),
}
"""By the name of the file."""


def plot_scores(
    plot: Plot, scores: Sequence[TrackerScore], *, title: str, convention: Convention
) -> Figure:
    """Plot a kind of curve of all trackers; the legend ranks them.

    Args:
        plot: One of `PLOTS`.
        scores: The trackers.
        title: Experiment and benchmark, or a part of it.
        convention: The rules that they were measured by.
    """
    lines = [
        Line(
            tracker=each.tracker,
            values=plot.values(each.total),
            printed=plot.printed(each, convention),
        )
        for each in scores
    ]
    figure = plot_lines(plot.thresholds(convention), lines, title=f"{plot.title} of {title}")
    axes = figure.axes[0]
    axes.set(xlabel=plot.x, ylabel=plot.y)
    if plot.mark is not None:
        axes.axvline(plot.mark, color="0.7", linewidth=1, zorder=0)
    return figure
