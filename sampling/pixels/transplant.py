"""Moving a target before the background of another group's crop.

In a photograph, and in video in which little moves, both crops of a pair have the same background:
a network learns to find that. A target before another background can only be found by itself.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from sampling.pixels.cut import Image, Window
from sampling.pixels.looks import Color

Box = tuple[float, float, float, float]

_SOFT_EDGE = (0.88, 1.12)
"""Last point where the mask is 1 and first where it is 0, in half sides of the box."""


class Background(NamedTuple):
    """The new background of a target."""

    window: Window
    """Of the other group's stored search crop."""
    flip: bool
    target_color: Color | None
    """Change of the target's own colours, whose light differs from the background's."""


def put_before(target: Image, background: Image, box_xyxy: Box) -> None:
    """Draw the target of one crop over another one, in place.

    The mask is a superellipse of the fourth order in the target's box with a soft edge: 1 in the
    box but for its corners and its border.

    Args:
        target: (S, S, 3) uint8 crop that shows the target.
        background: (S, S, 3) uint8 crop to draw on; outside the mask it stays as it is.
        box_xyxy: The target's box in both, edge coordinates.
    """
    (left, right), x = _axis(box_xyxy[0], box_xyxy[2], target.shape[1])
    (top, bottom), y = _axis(box_xyxy[1], box_xyxy[3], target.shape[0])
    if left >= right or top >= bottom:
        return
    distance = np.sqrt(np.sqrt(y[:, None] + x))  # 1 on the superellipse
    inner, outer = _SOFT_EDGE
    mask = np.clip((outer - distance) / (outer - inner), 0, 1)
    part = (slice(top, bottom), slice(left, right))
    background[part] = cv2.blendLinear(target[part], background[part], mask, 1 - mask)


def _axis(start: float, stop: float, size: int) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """Return the range of pixels under the mask, and the fourth power of their distance."""
    center, half = (start + stop) / 2, max((stop - start) / 2, 0.5)
    first = max(math.floor(center - _SOFT_EDGE[1] * half), 0)
    last = min(math.ceil(center + _SOFT_EDGE[1] * half), size)
    offset = np.arange(first, last, dtype=np.float32) + np.float32(0.5 - center)
    return (first, last), (offset / np.float32(half)) ** 4
