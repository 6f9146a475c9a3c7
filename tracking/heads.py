"""From a head's outputs to the target's motion: one decoder for each head, in one table.

All geometry is in pixels of the plain search crop. Cells are not symmetric around the crop's
centre, so the decoders get their locations from `model.location` and assume nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.config import SEARCH_SIZE
from tracking.settings import CarSettings, SiamFCSettings

Floats = NDArray[np.float64]
CENTER = (SEARCH_SIZE - 1) / 2
"""The search crop's centre in the pixel-centre coordinates of the cells."""
UPSAMPLE = 16
"""Positions that a ``siamfc`` response is searched at for each of its cells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """What the outputs say about a target that was in the centre of the search crop."""

    shift_in_search: tuple[float, float]
    """(x, y) by which the target's centre has moved."""
    size_in_search: tuple[float, float]
    """(w, h) of the target."""
    score: float
    """Confidence from 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """How the tracker uses one kind of head."""

    settings: type[CarSettings] | type[SiamFCSettings]
    scales: Callable[[Any], Floats]
    """Settings to (N,) sides of the search crops, in units of the plain one."""
    decode: Callable[[Mapping[str, Floats], Floats, tuple[float, float], Any], Motion]
    """Outputs with N rows, cell locations, (w, h) of the target in the crop, settings."""
    side_limits: Callable[[Floats, Floats], tuple[Floats, Floats]]
    """(2,) first size and (2,) frame size (w, h) to the smallest and largest size allowed."""


def decode_car(
    outputs: Mapping[str, Floats],
    locations: Floats,
    size_in_search: tuple[float, float],
    settings: CarSettings,
) -> Motion:
    """Choose the best of the proposed boxes and smooth its size.

    Args:
        outputs: ``logits`` (1, 2, n, n), ``ltrb`` (1, 4, n, n).
        locations: (n,) where the cells look along one axis, in pixel-centre coordinates.
        size_in_search: The target's last size.
        settings: Penalty, window and smoothing.
    """
    logits = outputs["logits"][0]
    usable = np.isfinite(outputs["ltrb"][0]).all(axis=0)  # (n, n) False where exp overflowed
    left, top, right, bottom = np.where(usable, outputs["ltrb"][0], 1.0)
    score = _sigmoid(logits[1] - logits[0])  # (n, n) the softmax of two
    width, height = np.maximum(left + right, 1e-6), np.maximum(top + bottom, 1e-6)
    size_change = _ratio(_side(width, height), _side(*size_in_search))
    aspect_change = _ratio(width / height, size_in_search[0] / size_in_search[1])
    penalty = np.exp(-settings.penalty * (size_change * aspect_change - 1))
    windowed = _mix(score * penalty, _window(locations), settings.window)
    row, column = _argmax(np.where(usable, windowed, -1.0))
    if not usable[row, column]:
        return Motion(shift_in_search=(0.0, 0.0), size_in_search=size_in_search, score=0.0)
    cell = (row, column)
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


def decode_siamfc(
    outputs: Mapping[str, Floats],
    locations: Floats,
    size_in_search: tuple[float, float],
    settings: SiamFCSettings,
) -> Motion:
    """Find the highest response over positions and scales.

    Args:
        outputs: ``response`` (N, n, n), one map for each scale.
        locations: (n,) where the cells look along one axis, in pixel-centre coordinates.
        size_in_search: The target's last size.
        settings: Scales, window and smoothing.
    """
    response = outputs["response"]
    num_fine = response.shape[-1] * UPSAMPLE
    fine = np.stack(
        [cv2.resize(one, (num_fine, num_fine), interpolation=cv2.INTER_CUBIC) for one in response]
    )  # (N, 16 n, 16 n)
    scales = siamfc_scales(settings)
    # A factor below 1 lowers only what is positive: logits are shifted first.
    shifted = fine - fine.min()
    penalty = np.where(scales == 1, 1.0, settings.scale_penalty)
    peaks = shifted.max(axis=(1, 2)) * penalty
    middle = len(scales) // 2
    best = middle if peaks[middle] == peaks.max() else int(np.argmax(peaks))
    scale = float(scales[best])

    chosen = shifted[best] - shifted[best].min()
    total = chosen.sum()
    chosen = chosen / total if total > 0 else np.full_like(chosen, 1 / chosen.size)
    # Position u of the enlarged map is at (u + 0.5) / 16 - 0.5 cells.
    cells = (np.arange(num_fine) + 0.5) / UPSAMPLE - 0.5
    fine_locations = locations[0] + cells * (locations[1] - locations[0])
    window = _window(fine_locations)
    row, column = _argmax(_mix(chosen, window / window.sum(), settings.window))
    factor = 1 - settings.lr + settings.lr * scale
    return Motion(
        shift_in_search=(
            float(fine_locations[column] - CENTER) * scale,
            float(fine_locations[row] - CENTER) * scale,
        ),
        size_in_search=(size_in_search[0] * factor, size_in_search[1] * factor),
        score=float(_sigmoid(fine[best, row, column])),
    )


def car_scales(settings: CarSettings) -> Floats:
    """Return the one scale of a head that proposes sizes itself."""
    return np.ones(1)


def siamfc_scales(settings: SiamFCSettings) -> Floats:
    """Return (N,) sides of the search crops relative to the plain one, the middle one being 1."""
    exponents = np.arange(settings.num_scales) - settings.num_scales // 2
    return np.asarray(settings.scale_step**exponents, dtype=np.float64)


def car_side_limits(first_size: Floats, frame_size: Floats) -> tuple[Floats, Floats]:
    """Allow sides from 10 px, or 2 px for a target that starts smaller, to the frame's."""
    smallest = np.full(2, 10.0 if first_size.min() >= 10 else min(2.0, first_size.min()))
    return smallest, np.maximum(frame_size, first_size)


def siamfc_side_limits(first_size: Floats, frame_size: Floats) -> tuple[Floats, Floats]:
    """Allow a fifth to five times the first size."""
    return first_size * 0.2, first_size * 5.0


HEADS: Mapping[str, Head] = {
    "car": Head(
        settings=CarSettings, scales=car_scales, decode=decode_car, side_limits=car_side_limits
    ),
    "siamfc": Head(
        settings=SiamFCSettings,
        scales=siamfc_scales,
        decode=decode_siamfc,
        side_limits=siamfc_side_limits,
    ),
}
"""By ``ModelConfig.head``."""


def _side(width: Any, height: Any) -> Any:
    """Return the side of the square with context that a target of that size is cropped with."""
    padding = (width + height) / 2
    return np.sqrt((width + padding) * (height + padding))


def _ratio(one: Floats, other: Floats | float) -> Floats:
    """Return how many times larger the larger of the two is."""
    ratio = one / other
    return np.maximum(ratio, 1 / ratio)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(np.clip(-logits, -500, 500))), dtype=np.float64)


def _window(locations: Floats) -> Floats:
    """Return an (n, n) Hann window around the crop's centre, above 0 at every location."""
    step = locations[1] - locations[0]
    reach = np.abs(locations - CENTER).max() + step
    profile = 0.5 * (1 + np.cos(np.pi * (locations - CENTER) / reach))
    return np.asarray(np.outer(profile, profile), dtype=np.float64)


def _mix(score: Floats, window: Floats, weight: float) -> Floats:
    return score * (1 - weight) + window * weight


def _argmax(values: Floats) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)
