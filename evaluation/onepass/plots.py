"""The plots of one-pass evaluation: success, precision and normalised precision."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from evaluation.onepass.conventions import ERROR_THRESHOLDS, Convention
from evaluation.onepass.scores import TrackerScore
from evaluation.plots import Line, plot_lines


def plot_success(scores: Sequence[TrackerScore], *, title: str, convention: Convention) -> Figure:
    """Plot the fraction of frames over the overlap threshold; the legend ranks the trackers."""
    lines = [
        Line(tracker=each.tracker, values=each.total.success, printed=each.value) for each in scores
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


def _label(figure: Figure, *, x: str, y: str) -> None:
    figure.axes[0].set(xlabel=x, ylabel=y)
