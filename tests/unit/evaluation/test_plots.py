"""Plots of many trackers: everything can be read."""

import re

import numpy as np
import pytest

from commands.pages.figures import figure_svg
from evaluation.presentation.plots import COLORS, Line, plot_lines


@pytest.mark.parametrize("num_trackers", [1, 8, 25])
@pytest.mark.parametrize("name", ["a tracker", "a tracker with a name", "x" * 60])
def test_the_legend_covers_no_curve_and_names_every_tracker_by_rank(
    num_trackers: int, name: str
) -> None:
    levels = np.linspace(0.05, 0.95, num_trackers)
    lines = [
        Line(tracker=f"{n} {name}", values=np.full(51, level), printed=level)
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


def test_a_figure_on_a_page_has_the_colours_of_the_page() -> None:
    line = Line(tracker="<b>&", values=np.linspace(0, 1, 51), printed=0.5)
    text = figure_svg(plot_lines(np.arange(51.0), [line], title="t"))
    assert text.startswith("<svg ")
    assert set(re.findall("#[0-9a-f]{6}", text)) == {COLORS[0]}
    assert "currentColor" in text
    assert "var(--line)" in text
    assert "&lt;b&gt;&amp;" in text
    assert "http" not in text
    names = re.findall(r' id="([^"]+)"', text)
    assert len(names) == len(set(names))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', text)) == set(names)
    assert text == figure_svg(plot_lines(np.arange(51.0), [line], title="t"))
