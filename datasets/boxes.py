"""How large a piece of the image shows a target: the geometry of template and search crops.

All coordinates are edge coordinates: (0, 0) is the top-left corner of the top-left pixel, and the
centre of pixel j is at j + 0.5.
"""

import math

import numpy as np
from numpy.typing import NDArray

TEMPLATE_SIZE = 127
"""Side of the template crop in pixels (paper, section IV.A)."""
SEARCH_SIZE = 255
"""Side of the search crop in pixels (paper, section IV.A)."""
CONTEXT = 0.5
"""Share of the target's perimeter that the template shows around it."""


def template_side(width: float, height: float, *, context: float = CONTEXT) -> float:
    """Return the side, in image pixels, of the square that the template crop shows.

    sqrt((w + p)(h + p)) with p = context * (w + h), as SiamFC defines it. The search crop shows
    the square of side ``template_side * 255 / 127`` around the same point.
    """
    padding = context * (width + height)
    return math.sqrt((width + padding) * (height + padding))


def crop_scale(width: float, height: float, *, context: float = CONTEXT) -> float:
    """Return crop pixels per image pixel, the same for template and search crop."""
    return TEMPLATE_SIZE / template_side(width, height, context=context)


def box_center(box_xywh: NDArray[np.float64]) -> tuple[float, float]:
    """Return a box's centre (x, y) in pixels."""
    x, y, width, height = (float(value) for value in box_xywh)
    return x + width / 2, y + height / 2
