"""Small charts as SVG text, which follow a page's colours, light or dark."""

import html
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

_WIDTH, _HEIGHT = 440, 200
_LEFT, _BOTTOM, _TOP, _RIGHT = 44, 34, 8, 20


def histogram(
    values: ArrayLike,
    *,
    label: str,
    bins: int = 40,
    logarithmic: bool = False,
) -> str:
    """Return a histogram of the finite values; the outermost thousandths fall into the end bins.

    Args:
        values: (N,) numbers.
        label: What they are, with the unit.
        bins: Number of bars.
        logarithmic: Whether bars are equally wide in the logarithm; needs values above 0.
    """
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers) & ((numbers > 0) | (not logarithmic))]
    if numbers.size == 0:
        return _svg([_label("no values", _WIDTH / 2, _HEIGHT / 2, "middle")])
    low, high = np.quantile(numbers, [0.001, 0.999])
    if logarithmic:
        edges = np.geomspace(low, max(high, low * 1.01), bins + 1)
    else:
        edges = np.linspace(low, max(high, low + 1e-6), bins + 1)
    counts = np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)[0]
    titles = [f"{a:.3g} to {b:.3g}" for a, b in itertools.pairwise(edges)]
    ticks = [(share, edges[round(share * bins)]) for share in (0, 0.25, 0.5, 0.75, 1)]
    marks = [(_x(share), f"{value:.3g}") for share, value in ticks]
    return _bars(counts.tolist(), titles, marks, label)


def _bars(
    counts: Sequence[int],
    titles: Sequence[str],
    marks: Sequence[tuple[float, str]],
    label: str,
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
    parts.append(_label("0", _LEFT - 4, floor, "end"))
    parts.append(_label(label, _x(0.5), _HEIGHT - 4, "middle"))
    return _svg(parts)


def _svg(parts: Sequence[str]) -> str:
    inner = "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">{inner}</svg>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _label(text: str, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
