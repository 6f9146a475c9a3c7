"""Small charts as SVG text in the page's colours, light or dark."""

import html
import itertools
from collections.abc import Sequence
from math import ceil, floor, log, log10

import numpy as np
from numpy.typing import ArrayLike

from commands.pages.page import Picture

_WIDTH, _HEIGHT = 440, 184
_LEFT, _BOTTOM, _TOP, _RIGHT = 44, 18, 8, 20
_BARS, _MOST_MARKS = 40, 8


def histogram(values: ArrayLike, *, label: str) -> Picture:
    """Return a histogram of the values above 0, with bars equally wide in the logarithm.

    The outermost thousandths fall into the end bins. The caption is the label and the number of
    values that are 0 or less.

    Args:
        values: (N,) numbers; those that are not finite are left out.
        label: Meaning and unit of the values.
    """
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    numbers = finite[finite > 0]
    num_left_out = finite.size - numbers.size
    caption = f"{label}; {num_left_out:,} at or below 0 not shown" if num_left_out else label
    if numbers.size == 0:
        empty = _svg([_label("no values", _WIDTH / 2, _HEIGHT / 2, "middle")])
        return Picture(figure=empty, alt=f"Histogram of {caption}: no values", caption=caption)
    low, high = np.quantile(numbers, [0.001, 0.999])
    edges = np.geomspace(low, max(high, low * 1.01), _BARS + 1)
    counts = np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)[0]
    titles = [f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(edges)]
    most = titles[counts.argmax()]
    return Picture(
        figure=_bars(counts.tolist(), titles, _marks(edges[0], edges[-1])),
        alt=f"Histogram of {caption}: {low:.3g} to {high:.3g}, most often {most}",
        caption=caption,
    )


def _marks(low: float, high: float) -> list[tuple[float, str]]:
    """Return position and text of the round numbers on a logarithmic axis."""
    powers = [10.0**power for power in range(floor(log10(low)), ceil(log10(high)) + 1)]
    usual, fine = (
        [step * power for power in powers for step in steps]
        for steps in ((1, 2, 5), (1, 1.5, *range(2, 10)))
    )
    few = powers[:: len(powers) // _MOST_MARKS + 1]
    for candidates in (usual, few, fine):
        inside = [value for value in candidates if low <= value <= high]
        if 3 <= len(inside) <= _MOST_MARKS:
            return [(_x(log(value / low) / log(high / low)), f"{value:.3g}") for value in inside]
    return [(_x(0), f"{low:.3g}"), (_x(1), f"{high:.3g}")]


def _bars(
    counts: Sequence[int],
    titles: Sequence[str],
    marks: Sequence[tuple[float, str]],
) -> str:
    highest = max(*counts, 1)
    room = _HEIGHT - _TOP - _BOTTOM
    parts = []
    for index, (count, title) in enumerate(zip(counts, titles, strict=True)):
        left, right = _x(index / len(counts)), _x((index + 1) / len(counts))
        height = room * count / highest
        parts.append(
            f'<rect class="bar" x="{left + 0.5:.1f}" y="{_TOP + room - height:.1f}" '
            f'width="{max(right - left - 1, 0.5):.1f}" height="{height:.1f}">'
            f"<title>{html.escape(title)}: {count:,}</title></rect>"
        )
    floor = _TOP + room
    axis = f'<line class="axis" x1="{_LEFT}" y1="{floor}" x2="{_WIDTH - _RIGHT}" y2="{floor}"/>'
    parts.append(axis)
    parts += [_label(text, x, floor + 14, "middle") for x, text in marks]
    parts.append(_label(f"{highest:,}", _LEFT - 4, _TOP + 10, "end"))
    parts.append(_label("0", _LEFT - 4, floor - 2, "end"))
    return _svg(parts)


def _svg(parts: Sequence[str]) -> str:
    inner = "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">{inner}</svg>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _label(text: str, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
