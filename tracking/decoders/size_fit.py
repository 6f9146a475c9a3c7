"""Calibration of predicted sizes on the first frame, the only one whose true size is known.

A network's sizes are drawn towards the usual one: it is unsure, and the middle costs least. On the
first frame it is asked at several zooms; the line through its answers, in logarithms, is inverted
for those of later frames. docs/results.md has what that gains.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracking.decoders.base import Floats

ZOOMS = np.geomspace(0.7, 1.4, 7)
"""Sides of the search crops that sizes are calibrated on, in units of the plain one."""
_LEAST_SLOPE = 0.4
"""A flatter line would turn noise into sizes."""
_ASPECT_SHARE = 0.5
"""Share of the first frame's error of the aspect that is taken out of later frames."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeFit:
    """``log(predicted size) = offset + slope * log(true size)``, and a factor of the aspect."""

    slope: float = 1.0
    offset: float = 0.0
    log_aspect: float = 0.0
    """Logarithm of the predicted by the true ratio of width to height."""

    def correct(self, width: Any, height: Any, last_size: tuple[float, float]) -> tuple[Any, Any]:
        """Return the sizes that the predicted ones stand for, within twice and half the last one.

        Args:
            width: Predicted widths, above 0.
            height: Predicted heights, of the same shape.
            last_size: (w, h) of the target in the last frame.
        """
        if self == SizeFit():
            return width, height
        log_last = np.log(last_size[0] * last_size[1]) / 2
        log_size = (np.log(width * height) / 2 - self.offset) / self.slope
        log_size = np.clip(log_size, log_last - np.log(2), log_last + np.log(2))
        log_aspect = np.log(width / height) - self.log_aspect
        return np.exp(log_size + log_aspect / 2), np.exp(log_size - log_aspect / 2)


def fit_sizes(predicted: Floats, true: Floats, share: float) -> SizeFit:
    """Return the fit of predicted to true sizes.

    Args:
        predicted: (K, 2) widths and heights; of those that are not finite and above 0 nothing is
            learnt.
        true: (K, 2) of the same crops.
        share: Share of the correction to apply, from 0 to 1.
    """
    if not (np.isfinite(predicted).all() and (predicted > 0).all()):
        return SizeFit()
    log_predicted, log_true = np.log(predicted), np.log(true)
    x, y = log_true.mean(axis=1), log_predicted.mean(axis=1)
    slope = max(float(np.polyfit(x, y, 1)[0]), _LEAST_SLOPE)
    aspect = (log_predicted - log_true) @ np.array([1.0, -1.0])
    return SizeFit(
        slope=1 + share * (slope - 1),
        offset=share * float(y.mean() - slope * x.mean()),
        log_aspect=share * _ASPECT_SHARE * float(aspect.mean()),
    )
