"""Decoder of the car head: choose the best of the proposed boxes and smooth its size."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tracking.decoders.base import (
    CENTER,
    Decoder,
    Floats,
    Motion,
    best_cell,
    check_share,
    hann_window,
    mix,
    sigmoid,
)
from tracking.decoders.size_fit import ZOOMS, SizeFit, fit_sizes

_NEAR_PX = 8.0
"""Cells this near to the target's centre tell its size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CarSettings:
    """Choice of a box among those that a ``car`` head proposes, one per cell.

    The defaults are those of the shipped network; docs/results.md says how they were chosen.
    """

    lr: float = 0.1
    """Share of the proposed size that enters the target's size; scaled by score and penalty."""
    penalty: float = 0.2
    """k in ``exp(-k * (r * s - 1))``, which lowers proposals of another aspect r or size s."""
    window: float = 0.45
    """Weight of the Hann window, which prefers proposals near the last position."""
    template_rate: float = 0.03
    """Share of the template's features that each frame renews with those at the target's new
    place; 0 keeps the first frame's, as published."""
    calibration: float = 0.5
    """Share of the correction of sizes that the first frame gives (`tracking.decoders.size_fit`);
    0 takes sizes as predicted, as published."""

    def __post_init__(self) -> None:
        """Check the ranges of the values."""
        check_share("lr", self.lr)
        check_share("window", self.window)
        check_share("template_rate", self.template_rate)
        check_share("calibration", self.calibration)
        if not self.penalty >= 0:
            raise ValueError(f"penalty is {self.penalty}, expected 0 or more")


def _published(*, lr: float, penalty: float, window: float) -> CarSettings:
    """Return settings without what this toolkit adds."""
    return CarSettings(lr=lr, penalty=penalty, window=window, template_rate=0.0, calibration=0.0)


class CarDecoder(Decoder):
    """Decoder of ``logits`` (1, 2, n, n) and ``ltrb`` (1, 4, n, n)."""

    settings_class = CarSettings
    presets = MappingProxyType(
        {
            "tuned": CarSettings(),
            # those that SiamCAR's authors publish for their network on each benchmark
            "otb": _published(lr=0.35, penalty=0.2, window=0.45),
            "uav": _published(lr=0.4, penalty=0.2, window=0.3),
            "lasot": _published(lr=0.33, penalty=0.04, window=0.3),
            "got10k": _published(lr=0.7, penalty=0.06, window=0.1),
        }
    )
    ranges = MappingProxyType(
        {
            "lr": (0.0, 0.9),
            "penalty": (0.0, 0.5),
            "window": (0.0, 0.7),
            "template_rate": (0.0, 0.1),
            "calibration": (0.0, 1.0),
        }
    )
    size_fit = SizeFit()

    @property
    def calibration_zooms(self) -> Floats:
        """(K,) sides of the first frame's search crops to `calibrate` on, in units of the plain."""
        return ZOOMS if self.settings.calibration > 0 else np.empty(0)

    def calibrate(self, answers: Sequence[Mapping[str, Floats]], sizes: Floats) -> "CarDecoder":
        """Return a decoder that corrects sizes by those predicted on the first frame."""
        calibrated = copy.copy(self)
        if answers:
            predicted = np.stack([self._size_at_center(outputs) for outputs in answers])
            calibrated.size_fit = fit_sizes(predicted, sizes, self.settings.calibration)
        return calibrated

    def _size_at_center(self, outputs: Mapping[str, Floats]) -> Floats:
        """Return the (2,) mean of the sizes proposed near the centre, weighted by their scores."""
        logits, ltrb = outputs["logits"][0], outputs["ltrb"][0]
        near = np.abs(self.locations - CENTER) <= _NEAR_PX
        weights = sigmoid(logits[1] - logits[0])[near][:, near]
        left, top, right, bottom = ltrb[:, near][:, :, near]
        sizes = np.stack([left + right, top + bottom])
        return np.asarray((weights * sizes).sum(axis=(1, 2)) / weights.sum(), dtype=np.float64)

    def decode(self, outputs: Mapping[str, Floats], size_in_search: tuple[float, float]) -> Motion:
        """Return the motion to the best proposed box, its size smoothed."""
        settings, locations = self.settings, self.locations
        logits = outputs["logits"][0]
        usable = np.isfinite(outputs["ltrb"][0]).all(axis=0)  # (n, n) False where exp overflowed
        left, top, right, bottom = np.where(usable, outputs["ltrb"][0], 1.0)
        score = sigmoid(logits[1] - logits[0])  # (n, n) the softmax of two
        width, height = np.maximum(left + right, 1e-6), np.maximum(top + bottom, 1e-6)
        width, height = self.size_fit.correct(width, height, size_in_search)
        size_change = _ratio(_side(width, height), _side(*size_in_search))
        aspect_change = _ratio(width / height, size_in_search[0] / size_in_search[1])
        penalty = np.exp(-settings.penalty * (size_change * aspect_change - 1))
        windowed = mix(score * penalty, hann_window(locations), settings.window)
        cell = row, column = best_cell(np.where(usable, windowed, -1.0))
        if not usable[cell]:
            return Motion(shift_in_search=(0.0, 0.0), size_in_search=size_in_search, score=0.0)
        lr = settings.lr * float(penalty[cell] * score[cell])
        x = locations[column] - CENTER + (right[cell] - left[cell]) / 2
        y = locations[row] - CENTER + (bottom[cell] - top[cell]) / 2
        smoothed = (
            (1 - lr) * size_in_search[0] + lr * float(width[cell]),
            (1 - lr) * size_in_search[1] + lr * float(height[cell]),
        )
        return Motion(
            shift_in_search=(float(x), float(y)), size_in_search=smoothed, score=float(score[cell])
        )

    def side_limits(self, first_size: Floats, frame_size: Floats) -> tuple[Floats, Floats]:
        """Allow sides from 10 px, or 2 px for a target that starts smaller, to the frame's."""
        smallest = np.full(2, 10.0 if first_size.min() >= 10 else min(2.0, first_size.min()))
        return smallest, np.maximum(frame_size, first_size)


def _side(width: Any, height: Any) -> Any:
    """Return the side of the square with context that a target of that size is cropped with."""
    padding = (width + height) / 2
    return np.sqrt((width + padding) * (height + padding))


def _ratio(value: Floats, other: Floats | float) -> Floats:
    """Return the ratio of the larger to the smaller of two values."""
    ratio = value / other
    return np.maximum(ratio, 1 / ratio)
