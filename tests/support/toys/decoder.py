"""A decoder in one file: move a part of the way to the best cell, and keep the size."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tracking.decoders.base import CENTER, Decoder, Floats, Motion, best_cell, sigmoid


@dataclass(frozen=True, kw_only=True)
class ToySettings:
    """Settings of the decoder."""

    step: float = 0.5
    template_rate: float = 0.0


class ToyDecoder(Decoder):
    """Decoder of ``score`` (1, n, n)."""

    settings_class = ToySettings
    ranges = MappingProxyType({"step": (0.0, 1.0)})

    def decode(self, outputs: Mapping[str, Floats], size_in_search: tuple[float, float]) -> Motion:
        """Return the motion towards the best cell."""
        score = outputs["score"][0]
        row, column = best_cell(score)
        shift = self.settings.step * (self.locations[[column, row]] - CENTER)
        return Motion(
            shift_in_search=(float(shift[0]), float(shift[1])),
            size_in_search=size_in_search,
            score=float(sigmoid(score[row, column])),
        )

    def side_limits(self, first_size: Floats, frame_size: Floats) -> tuple[Floats, Floats]:
        """Keep the size."""
        return first_size, first_size
