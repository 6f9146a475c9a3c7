"""Decoder of the siamfc head: find the highest response over positions and scales."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
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

UPSAMPLE = 16
"""Searched positions of the response per cell and axis."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiamFCSettings:
    """Position and size from the responses of a ``siamfc`` head at several scales."""

    num_scales: int = 3
    """Search crops per frame; odd, so that one of them keeps the size."""
    scale_step: float = 1.0375
    """Ratio of the sizes of neighbouring search crops."""
    scale_penalty: float = 0.9745
    """Factor on the score of every scale that changes the size."""
    lr: float = 0.59
    """Share of the winning scale that enters the target's size."""
    window: float = 0.176
    """Weight of the Hann window, which prefers positions near the last one."""
    template_rate: float = 0.0
    """Share of the template's features that each frame renews with those at the target's new
    place; 0 keeps the first frame's, as published."""

    def __post_init__(self) -> None:
        """Check the ranges of the values."""
        check_share("lr", self.lr)
        check_share("window", self.window)
        check_share("template_rate", self.template_rate)
        check_share("scale_penalty", self.scale_penalty)
        if self.num_scales < 1 or self.num_scales % 2 == 0:
            raise ValueError(
                f"num_scales is {self.num_scales}, expected an odd number of 1 or more"
            )
        if not self.scale_step >= 1:
            raise ValueError(f"scale_step is {self.scale_step}, expected 1 or more")


class SiamFCDecoder(Decoder):
    """Decoder of ``response`` (N, n, n), one map per scale."""

    settings_class = SiamFCSettings
    ranges = MappingProxyType(
        {
            "lr": (0.1, 0.9),
            "scale_penalty": (0.9, 1.0),
            "window": (0.0, 0.7),
            "template_rate": (0.0, 0.1),
        }
    )

    @property
    def scales(self) -> Floats:
        """(N,) sides of the search crops relative to the plain one, the middle one being 1."""
        exponents = np.arange(self.settings.num_scales) - self.settings.num_scales // 2
        return np.asarray(self.settings.scale_step**exponents, dtype=np.float64)

    def decode(self, outputs: Mapping[str, Floats], size_in_search: tuple[float, float]) -> Motion:
        """Return the motion to the highest response over positions and scales."""
        settings, scales = self.settings, self.scales
        fine = np.stack([_enlarge(response) for response in outputs["response"]])
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
        cells = (np.arange(len(chosen)) + 0.5) / UPSAMPLE - 0.5
        locations = self.locations[0] + cells * (self.locations[1] - self.locations[0])
        window = hann_window(locations)
        row, column = best_cell(mix(chosen, window / window.sum(), settings.window))
        factor = 1 - settings.lr + settings.lr * scale
        return Motion(
            shift_in_search=(
                float(locations[column] - CENTER) * scale,
                float(locations[row] - CENTER) * scale,
            ),
            size_in_search=(size_in_search[0] * factor, size_in_search[1] * factor),
            score=float(sigmoid(fine[best, row, column])),
        )

    def side_limits(self, first_size: Floats, frame_size: Floats) -> tuple[Floats, Floats]:
        """Allow a fifth to five times the first size."""
        return first_size * 0.2, first_size * 5.0


def _enlarge(response: Floats) -> Floats:
    """Return an (n, n) response at (16 n, 16 n) positions."""
    num_fine = response.shape[-1] * UPSAMPLE
    fine = cv2.resize(response, (num_fine, num_fine), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float64)
