"""Sizes and scale of a build's crops: one value for the build, its manifest and its readers."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CropSpec:
    """Sizes and scale of template and search crops, which share their centre and scale."""

    template: int = 127
    """Side of the template crop in pixels (paper, section IV.A)."""
    search: int = 255
    """Side of the search crop in pixels (paper, section IV.A)."""
    context: float = 0.5
    """Padding around the target in the template, as a share of its width plus height."""
    margin: int = 0
    """Pixels of real context on each side of the stored crops, beyond the sizes above."""

    def __post_init__(self) -> None:
        """Reject sizes that cannot have one centre.

        Raises:
            ValueError: The search crop is not larger, or larger by an odd number of pixels.
        """
        if self.search <= self.template or (self.search - self.template) % 2:
            raise ValueError(
                f"search size {self.search}: expected more than the template size {self.template}, "
                "by an even number of pixels"
            )

    def __str__(self) -> str:
        """Return the sizes and the scale as text for messages."""
        return (
            f"template crops of {self.template} px and search crops of {self.search} px "
            f"(context {self.context:g})"
        )

    @property
    def stored_template(self) -> int:
        """Side of the stored template crop in pixels, with its margin."""
        return self.template + 2 * self.margin

    @property
    def stored_search(self) -> int:
        """Side of the stored search crop in pixels, with its margin."""
        return self.search + 2 * self.margin

    def template_side(self, width: float, height: float) -> float:
        """Return the side, in image pixels, of the square that the template crop shows.

        sqrt((w + p)(h + p)) with p = context * (w + h), as SiamFC defines it.
        """
        padding = self.context * (width + height)
        return math.sqrt((width + padding) * (height + padding))

    def search_side(self, width: float, height: float) -> float:
        """Return the side, in image pixels, of the square that the search crop shows."""
        return self.template_side(width, height) * self.search / self.template

    def scale(self, width: float, height: float) -> float:
        """Return crop pixels per image pixel, the same for template and search crop."""
        return self.template / self.template_side(width, height)
