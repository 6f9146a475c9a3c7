"""Plots of many trackers: everything can be read."""

import numpy as np
import pytest

from evaluation.plots import Line, plot_lines


@pytest.mark.parametrize("num_trackers", [1, 8, 25])
def test_the_legend_covers_no_curve_and_names_every_tracker_by_rank(num_trackers: int) -> None:
    levels = np.linspace(0.05, 0.95, num_trackers)
    lines = [
        Line(tracker=f"a tracker with a name {n}", values=np.full(51, level), printed=level)
        for n, level in enumerate(levels)
    ]
    figure = plot_lines(np.arange(51.0), lines, title="t")
    figure.draw_without_rendering()
    (legend,) = figure.legends
    seen, axes = legend.get_window_extent(), figure.axes[0].get_tightbbox()
    assert axes is not None
    assert not seen.overlaps(axes)
    assert figure.bbox.contains(seen.x0, seen.y0)
    assert figure.bbox.contains(seen.x1, seen.y1)
    assert axes.height > 300
    printed = [text.get_text() for text in legend.get_texts()]
    assert printed == sorted(printed, reverse=True)
    assert len(printed) == num_trackers
