"""The interface of all trackers: images and boxes in, predictions out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from datasets.images import Image
from tracking.decoders.base import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Prediction of a tracker for one frame."""

    box_xywh: NDArray[np.float64]
    """(4,) left, top, width, height in pixels, not clipped to the frame."""
    score: float
    """Confidence from 0 to 1; comparable within one tracker only."""
    kept: bool = False
    """Whether the tracker had no answer and kept its box of the frame before."""


class BoxTracker(Protocol):
    """Interface of all trackers, learned or not."""

    def init(self, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]) -> None:
        """Start on a frame with the target's box."""
        ...

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Return the prediction for the next frame."""
        ...


def to_rgb(image: NDArray[np.uint8]) -> Image:
    """Return the image as (H, W, 3) RGB: grey is repeated, the fourth channel of RGBA dropped.

    Raises:
        ValueError: Another shape, another type than uint8, or no pixels.
    """
    if image.dtype != np.uint8 or image.size == 0 or image.ndim not in (2, 3):
        raise ValueError(
            f"an image of shape {image.shape} and type {image.dtype}, expected (H, W, 3) uint8"
        )
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] not in (1, 3, 4):
        raise ValueError(f"an image of shape {image.shape}, expected 1, 3 or 4 channels")
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])


def check_box(box_xywh: NDArray[np.float64]) -> Floats:
    """Return a copy of the box as (4,) float64.

    Raises:
        ValueError: It is not four finite numbers, or has no area.
    """
    box = np.array(box_xywh, np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise ValueError(
            f"init: box_xywh is {np.asarray(box_xywh).tolist()}, expected four finite numbers "
            "left, top, width, height with an area"
        )
    return box
