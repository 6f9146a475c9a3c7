"""An augmentation in one file: some search crops with inverted colours, as of a film's negative."""

import numpy as np
from numpy.typing import NDArray


def draw_negatives(numbers: NDArray[np.float64], share: float) -> list[bool]:
    """Return True for the crops of a batch to invert, from (B, 4) numbers unless it is off."""
    if not share:
        return [False] * len(numbers)
    chosen: list[bool] = (numbers[:, 0] < share).tolist()
    return chosen


def make_negative(crop: NDArray[np.uint8]) -> None:
    """Invert (H, W, 3) uint8 RGB in place."""
    np.subtract(255, crop, out=crop)
