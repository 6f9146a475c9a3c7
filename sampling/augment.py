"""Settings of the augmentation, and the change of each pair; `sampling.apply` carries it out."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.pixels.cut import Window, place_windows
from sampling.pixels.looks import PLAIN, Look, draw_blurs, draw_colors
from sampling.pixels.transplant import Background

# places among a pair's random numbers, in order of assignment: a new effect takes new ones
_GRAY, _FLIP, _TEMPLATE, _SEARCH, _ASPECT = 0, 1, slice(2, 5), slice(5, 8), 8
_TEMPLATE_COLOR, _TEMPLATE_BLUR = slice(9, 14), slice(14, 16)
_SEARCH_COLOR, _SEARCH_BLUR, _TARGET_COLOR = slice(16, 21), slice(21, 23), slice(23, 28)
_BACKGROUND, _BACKGROUND_FLIP = slice(28, 31), 31

_SEARCH_BLUR_PX, _TEMPLATE_BLUR_PX = 2.0, 1.5
_BACKGROUND_PX, _BACKGROUND_SCALE = 60.0, 0.3
_TARGET_STRENGTH = 1.5  # of `color`: what differs between target and background


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """Strength of each augmentation."""

    enabled: bool = True
    """False delivers the stored crops unchanged, as in the paper's fine-tuning stage."""
    gray: float = 0.25
    """Share of pairs in grayscale, both crops."""
    flip: float = 0.5
    """Share of pairs mirrored left to right, both crops."""
    search_translate_px: float = 32.0
    """Largest shift of the target from the search crop's centre, in x and in y."""
    search_scale: float = 0.18
    """Largest change of the search crop's scale: 0.18 is 0.82 to 1.18 times."""
    template_translate_px: float = 4.0
    """Largest shift of the target from the template's centre, in x and in y."""
    template_scale: float = 0.05
    """Largest change of the template's scale."""
    search_aspect: float = 0.0
    """Largest change of the target's aspect in the search crop, as a natural logarithm."""
    color: float = 0.0
    """Largest change of contrast and brightness, per crop; channels change by a quarter of it."""
    blur: float = 0.0
    """Share of search crops that are blurred, by up to 2 px; half of it of templates."""
    transplant: float = 0.0
    """Share of positive pairs whose target is moved before a search crop of another group; a pair
    without another group in reach keeps its own background."""

    def __post_init__(self) -> None:
        """Check that shares are in [0, 1] and that windows neither vanish nor leave the crop."""
        for name in ("gray", "flip", "color", "blur", "transplant"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        for name in ("search_scale", "template_scale", "search_aspect"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise ValueError(f"{name} must be from 0 to 0.5, got {getattr(self, name)}")
        for name, size in (("search", SEARCH_SIZE), ("template", TEMPLATE_SIZE)):
            shift = getattr(self, f"{name}_translate_px")
            if not 0 <= shift <= size / 4:
                raise ValueError(
                    f"{name}_translate_px must be from 0 to {size / 4} px, got {shift}"
                )

    @property
    def transplant_share(self) -> float:
        """Share of positive pairs that the plan gives a background."""
        return self.transplant if self.enabled else 0.0

    @property
    def num_blocks(self) -> int:
        """Blocks of a pair's numbers (`sampling.rng.BLOCKS`) that the effects in use take."""
        if self.enabled and any((self.search_aspect, self.color, self.blur, self.transplant)):
            return 2
        return 1


class Change(NamedTuple):
    """The change of one pair."""

    gray: bool
    flip: bool
    template: Window
    search: Window
    template_look: Look = PLAIN
    search_look: Look = PLAIN
    background: Background | None = None
    """The new background of the target, if it gets one."""


def draw_changes(
    settings: AugmentSettings,
    numbers: NDArray[np.float64],
    *,
    template_px: NDArray[np.int64],
    search_px: NDArray[np.int64],
    background_px: NDArray[np.int64] | None = None,
) -> list[Change]:
    """Return the change of each pair of a batch.

    Args:
        settings: Strength of each augmentation.
        numbers: (B, N) in [0, 1), of `AugmentSettings.num_blocks`, each pair's own. Each has one
            use, on or off, so that no setting changes the effect of another.
        template_px: (B,) side of the stored template crops, margin included.
        search_px: (B,) side of the stored search crops.
        background_px: (B,) side of the stored backgrounds, 0 where a pair has none; None for none.
    """
    if not settings.enabled:
        return [
            unchanged(*sides)
            for sides in zip(template_px.tolist(), search_px.tolist(), strict=True)
        ]
    has_more = settings.num_blocks > 1
    template = place_windows(
        numbers[:, _TEMPLATE],
        template_px,
        TEMPLATE_SIZE,
        translate=settings.template_translate_px,
        scale=settings.template_scale,
    )
    search = place_windows(
        numbers[:, _SEARCH],
        search_px,
        SEARCH_SIZE,
        translate=settings.search_translate_px,
        scale=settings.search_scale,
        stretch=settings.search_aspect * (2 * numbers[:, _ASPECT] - 1) if has_more else None,
    )
    gray = numbers[:, _GRAY] < settings.gray
    flip = (numbers[:, _FLIP] < settings.flip).tolist()
    plain = [Change(*change) for change in zip(gray.tolist(), flip, template, search, strict=True)]
    if not has_more:
        return plain
    templates, searches = _draw_looks(settings, numbers, gray)
    backgrounds = _draw_backgrounds(settings, numbers, gray, background_px)
    more = zip(plain, templates, searches, backgrounds, strict=True)
    return [
        change._replace(template_look=of_template, search_look=of_search, background=background)
        for change, of_template, of_search, background in more
    ]


def _draw_looks(
    settings: AugmentSettings, numbers: NDArray[np.float64], gray: NDArray[np.bool_]
) -> tuple[list[Look], list[Look]]:
    """Return the looks of the template and of the search crop of each pair."""
    template = zip(
        draw_colors(numbers[:, _TEMPLATE_COLOR], settings.color, gray=gray),
        draw_blurs(numbers[:, _TEMPLATE_BLUR], settings.blur / 2, largest_px=_TEMPLATE_BLUR_PX),
        strict=True,
    )
    search = zip(
        draw_colors(numbers[:, _SEARCH_COLOR], settings.color, gray=gray),
        draw_blurs(numbers[:, _SEARCH_BLUR], settings.blur, largest_px=_SEARCH_BLUR_PX),
        strict=True,
    )
    return [Look(*look) for look in template], [Look(*look) for look in search]


def _draw_backgrounds(
    settings: AugmentSettings,
    numbers: NDArray[np.float64],
    gray: NDArray[np.bool_],
    background_px: NDArray[np.int64] | None,
) -> list[Background | None]:
    """Return the background of each pair that has one."""
    if background_px is None or not background_px.any():
        return [None] * len(numbers)
    windows = place_windows(
        numbers[:, _BACKGROUND],
        background_px,
        SEARCH_SIZE,
        translate=_BACKGROUND_PX,
        scale=_BACKGROUND_SCALE,
    )
    flips = (numbers[:, _BACKGROUND_FLIP] < settings.flip).tolist()
    strength = min(_TARGET_STRENGTH * settings.color, 1.0)
    colors = draw_colors(numbers[:, _TARGET_COLOR], strength, gray=gray)
    drawn = zip(background_px.tolist(), windows, flips, colors, strict=True)
    return [Background(*rest) if side else None for side, *rest in drawn]


@cache
def unchanged(template_px: int, search_px: int) -> Change:
    """Return the change that delivers the middle of the stored crops as it is."""
    template_margin = (template_px - TEMPLATE_SIZE) // 2
    search_margin = (search_px - SEARCH_SIZE) // 2
    return Change(
        gray=False,
        flip=False,
        template=Window(template_margin, template_margin, TEMPLATE_SIZE, TEMPLATE_SIZE),
        search=Window(search_margin, search_margin, SEARCH_SIZE, SEARCH_SIZE),
    )
