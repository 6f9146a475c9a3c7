"""Network configuration; stored with the weights."""

from dataclasses import dataclass
from typing import Annotated, Literal

from commands.choices import one_of, within
from model.heads import HEADS


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Options of a network; the defaults are the paper's reading (preset ``paper``)."""

    backbone: Literal["dcffnet", "alexnet"] = "dcffnet"
    """dcffnet is the paper's S1; alexnet is SiamFC's, for comparison."""
    head: Annotated[str, one_of(HEADS)] = "siamfc"
    """siamfc answers where; car (SiamCAR without centerness) where and how large."""
    variant: Literal["baseline", "cf1", "cf2", "double"] = "double"
    """Correlation-fusion modules: none, the first, the second, both."""
    fusion: Literal["resize", "pad"] = "resize"
    """Interpolate the response to the search map, or zero-pad it where its cells belong."""
    template: Literal["as_is", "zero_mean"] = "as_is"
    """Whether the correlation subtracts each template channel's mean first."""
    norm: Literal["batch", "none"] = "batch"
    """Normalisation of the response before it is added."""
    gain: Annotated[float, within(float)] = 0.0
    """Weight of the normalised response at the start of training."""
    template_crop: int = 1
    """Cells that the car head cuts off each side of the template map: 1 leaves the paper's 20 x 20
    of 22 x 22, for a map of 25 x 25; each further cell makes the map 2 larger."""
    width: float = 1.0
    """Factor on all numbers of channels; multiples of 8 result."""

    def __post_init__(self) -> None:
        """Check the name of the head, the ranges of numbers, and the combination of options."""
        if self.head not in HEADS:
            raise ValueError(f"head {self.head!r}, expected one of {sorted(HEADS)}")
        if self.backbone == "alexnet" and (self.head != "siamfc" or self.variant != "baseline"):
            raise ValueError(
                f"backbone 'alexnet' with head {self.head!r} and variant {self.variant!r}: "
                "the SiamFC baseline has head 'siamfc' and variant 'baseline' only"
            )
        if not 0 <= self.template_crop <= 10:
            raise ValueError(f"template_crop {self.template_crop}, expected 0 to 10 of 22 cells")
        if not 0 < self.width <= 4:
            raise ValueError(f"width {self.width}, expected a factor above 0 and up to 4")

    def channels(self, full: int) -> int:
        """Return ``full`` channels scaled by the width, as a multiple of 8."""
        return max(8, round(full * self.width / 8) * 8)


PRESETS: dict[str, ModelConfig] = {
    "paper": ModelConfig(),
    "aligned": ModelConfig(fusion="pad", template="zero_mean", gain=0.1),
    "baseline": ModelConfig(variant="baseline"),
    "siamfc": ModelConfig(backbone="alexnet", variant="baseline"),
}
"""Named networks; ``dataclasses.replace`` sets the head, the width and the like."""
