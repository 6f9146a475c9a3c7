"""The plots of VOT's reports: expected overlap, its ranking, accuracy over robustness."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from commands.pages.figures import BAND, GRID
from evaluation.presentation.plots import COLORS, add_legend, new_figure, plain_label
from evaluation.vot.scores import VotTracker, rank_vot

SENSITIVITY = 30
"""Frames over which the AR plot extrapolates robustness, as VOT's own plots do."""


def plot_eao_curve(
    trackers: Sequence[VotTracker], *, title: str, eao_lengths: tuple[int, int]
) -> Figure:
    """Plot the expected overlap by sequence length, with the lengths that EAO averages."""
    figure = new_figure()
    axes = figure.subplots()
    axes.axvspan(*eao_lengths, color=BAND, zorder=0)
    for index, each in enumerate(rank_vot(trackers)):
        curve = each.score.eao_curve
        axes.plot(
            np.arange(1, len(curve) + 1),
            curve,
            color=COLORS[index % len(COLORS)],
            label=f"[{each.score.eao:.3f}] {plain_label(each.tracker)}",
        )
    axes.set(title=f"Expected overlap on {title}", xlabel="Sequence length [frames]")
    axes.set(ylabel="Expected overlap", ylim=(0, 1), xlim=(1, 2 * eao_lengths[1]))
    add_legend(figure)
    return figure


def plot_eao_ranking(trackers: Sequence[VotTracker], *, title: str) -> Figure:
    """Plot the EAO of each tracker, the best on the right, as VOT's reports do."""
    figure = new_figure()
    axes = figure.subplots()
    ranked = list(reversed(rank_vot(trackers)))
    for index, each in enumerate(ranked):
        color = COLORS[(len(ranked) - 1 - index) % len(COLORS)]
        axes.scatter(index + 1, each.score.eao, s=60, color=color)
        axes.annotate(
            f"{plain_label(each.tracker)}\n{each.score.eao:.3f}",
            (index + 1, each.score.eao),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
            fontsize=8,
        )
    axes.set(title=f"EAO ranking on {title}", ylabel="Expected average overlap")
    axes.set_xticks(range(1, len(ranked) + 1), [str(n) for n in range(len(ranked), 0, -1)])
    highest = max([each.score.eao for each in ranked if np.isfinite(each.score.eao)], default=0)
    axes.set(xlabel="Rank", xlim=(0.3, len(ranked) + 0.7), ylim=(0, max(1.3 * highest, 0.1)))
    return figure


def plot_ar(trackers: Sequence[VotTracker], *, title: str) -> Figure:
    """Plot accuracy over the chance of tracking on for 30 frames; best is top right."""
    figure = new_figure()
    axes = figure.subplots()
    for index, each in enumerate(rank_vot(trackers)):
        chance = np.exp(-SENSITIVITY * each.score.robustness / 100)
        color = COLORS[index % len(COLORS)]
        axes.scatter(
            chance,
            each.score.accuracy,
            s=60,
            color=color,
            label=plain_label(each.tracker),
            clip_on=False,
        )
    axes.set_axisbelow(True)
    axes.set(title=f"AR plot on {title}", xlim=(0, 1), ylim=(0, 1), ylabel="Accuracy")
    axes.set(xlabel=f"Robustness (S = {SENSITIVITY})")
    axes.grid(color=GRID)
    add_legend(figure)
    return figure
