"""Windows of stored crops, and the one resample that makes a finished crop of them."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Window(NamedTuple):
    """A rectangle of whole pixels of a stored crop; it may reach past the crop."""

    left: int
    top: int
    width: int
    height: int


def cut_window(
    image: Image, window: Window, size: int, *, gray: bool, flip: bool, out: Image
) -> None:
    """Write the window of a stored crop, resampled to ``size`` pixels per side, to ``out``.

    This is `datasets.crops.crop_square` for windows of whole pixels and zooms near 1, without the
    filter that it needs for smaller ones, and without memory of its own.

    Args:
        image: (H, W, 3) uint8, or (H, W, 1) where the pair is gray.
        window: Part of the image; past its border the image is continued by reflection.
        size: Side of the result.
        gray: Whether the image is gray.
        flip: Whether to mirror it.
        out: (size, size, 3) uint8.
    """
    left, top, width, height = window
    if left < 0 or top < 0 or left + width > image.shape[1] or top + height > image.shape[0]:
        image = _continued(image, window)
        left = top = 0
    part = image[top : top + height, left : left + width]
    resampled = (width, height) != (size, size)
    if gray:
        if resampled:
            part = cv2.resize(part, (size, size))
        if flip:
            part = cv2.flip(part, 1)
        cv2.cvtColor(part, cv2.COLOR_GRAY2RGB, dst=out)
        return
    if resampled:
        cv2.resize(part, (size, size), dst=out)
        part = out
    if flip:
        cv2.flip(part, 1, dst=out)
    elif part is not out:
        np.copyto(out, part)


def place_windows(
    numbers: NDArray[np.float64],
    stored_px: NDArray[np.int64],
    size: int,
    *,
    translate: float,
    scale: float,
    stretch: NDArray[np.float64] | None = None,
) -> list[Window]:
    """Return the window of each crop of a batch.

    Args:
        numbers: (B, 3) in [0, 1): shift in x and in y, scale.
        stored_px: (B,) side of the stored crops.
        size: Side of the finished crops.
        translate: Largest shift of the target, in pixels of the finished crop.
        scale: Largest change of the scale.
        stretch: (B,) logarithm of the finished target's aspect over the stored one's.
    """
    spread = 2 * numbers - 1
    half = np.zeros(len(numbers)) if stretch is None else stretch / 2
    zoom = (1 + scale * spread[:, 2:]) * np.exp(np.stack([half, -half], axis=1))
    sides = np.rint(size / zoom)
    # the crop's point size / 2 + shift is to show the target, which is in the stored crop's middle
    start = stored_px[:, None] / 2 - (size / 2 + translate * spread[:, :2]) * (sides / size)
    windows = np.concatenate([np.rint(start), sides], axis=1).astype(np.int64)
    return [Window(*window) for window in windows.tolist()]


def _continued(image: Image, window: Window) -> Image:
    """Return a window that reaches past the image."""
    left, top, width, height = window
    right, bottom = left + width, top + height
    part = image[
        max(top, 0) : min(bottom, image.shape[0]), max(left, 0) : min(right, image.shape[1])
    ]
    border = (
        *(max(-top, 0), max(bottom - image.shape[0], 0)),
        *(max(-left, 0), max(right - image.shape[1], 0)),
    )
    whole: Image = cv2.copyMakeBorder(part, *border, cv2.BORDER_REFLECT_101)
    return whole
