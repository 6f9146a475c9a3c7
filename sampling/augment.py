"""Augmentation of a pair: grayscale, flip, translation, scale.

The geometry of a crop is one resample of a square of whole pixels of the stored crop, never a
chain of them, and none where there is nothing to do. Past the stored crop the picture is continued
by reflection: a flat bar would tell the network where the target went.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE
from datasets.crops import crop_square

Image = NDArray[np.uint8]
_NO_FILL = (0.0, 0.0, 0.0)  # reflection leaves nothing to fill


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """How strongly pairs are varied."""

    enabled: bool = True
    """False delivers the stored crops as they are, as in the paper's fine-tuning stage."""
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

    def __post_init__(self) -> None:
        """Reject shares that are none, and windows that would vanish or leave the crop."""
        for name in ("gray", "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        for name in ("search_scale", "template_scale"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise ValueError(f"{name} must be from 0 to 0.5, got {getattr(self, name)}")
        for name, size in (("search", SEARCH_SIZE), ("template", TEMPLATE_SIZE)):
            shift = getattr(self, f"{name}_translate_px")
            if not 0 <= shift <= size / 4:
                raise ValueError(
                    f"{name}_translate_px must be from 0 to {size / 4} px, got {shift}"
                )


class Window(NamedTuple):
    """A square of whole pixels of a stored crop; it may reach past the crop."""

    left: int
    top: int
    side: int


class Change(NamedTuple):
    """What is done to one pair."""

    gray: bool
    flip: bool
    template: Window
    search: Window


def draw_change(
    settings: AugmentSettings, rng: np.random.Generator, *, template_px: int, search_px: int
) -> Change:
    """Draw what is done to a pair.

    Args:
        settings: How strongly.
        rng: The pair's own generator. Always eight numbers are drawn, so that one setting never
            changes what another does.
        template_px: Side of the stored template crop, margin included.
        search_px: Side of the stored search crop.
    """
    gray, flip, *shifts = rng.random(8).tolist()
    return Change(
        gray=gray < settings.gray,
        flip=flip < settings.flip,
        template=_draw_window(
            template_px,
            TEMPLATE_SIZE,
            settings.template_translate_px,
            settings.template_scale,
            shifts[:3],
        ),
        search=_draw_window(
            search_px, SEARCH_SIZE, settings.search_translate_px, settings.search_scale, shifts[3:]
        ),
    )


def no_change(*, template_px: int, search_px: int) -> Change:
    """Return the change that delivers the middle of the stored crops as it is."""
    template_margin = (template_px - TEMPLATE_SIZE) // 2
    search_margin = (search_px - SEARCH_SIZE) // 2
    return Change(
        gray=False,
        flip=False,
        template=Window(template_margin, template_margin, TEMPLATE_SIZE),
        search=Window(search_margin, search_margin, SEARCH_SIZE),
    )


def _draw_window(
    stored_px: int, size: int, translate: float, scale: float, u: list[float]
) -> Window:
    shift_x, shift_y, change = (2 * value - 1 for value in u)
    side = round(size / (1 + scale * change))
    # the crop's point size / 2 + shift is to show the target, which is in the stored crop's middle
    step = side / size
    left, top = (
        round(stored_px / 2 - (size / 2 + translate * shift) * step) for shift in (shift_x, shift_y)
    )
    return Window(left, top, side)


def cut_window(image: Image, window: Window, size: int) -> Image:
    """Return the window resampled to ``size`` pixels a side; a view where nothing is resampled.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        window: What to show; past the image it is continued by reflection.
        size: Side of the result.
    """
    left, top, side = window
    height, width = image.shape[:2]
    before_x, before_y = max(-left, 0), max(-top, 0)
    after_x, after_y = max(left + side - width, 0), max(top + side - height, 0)
    if before_x or before_y or after_x or after_y:
        part = image[top + before_y : top + side - after_y, left + before_x : left + side - after_x]
        image = cv2.copyMakeBorder(
            part, before_y, after_y, before_x, after_x, cv2.BORDER_REFLECT_101
        )
        left = top = 0
    if side == size:
        return image[top : top + side, left : left + side]
    center = (left + side / 2, top + side / 2)
    return crop_square(image, center=center, side=side, size=size, fill=_NO_FILL)


def finish_crop(crop: Image, change: Change, out: Image) -> None:
    """Write a cut crop to ``out`` (size, size, 3), with the colours and the direction it needs."""
    if crop.ndim == 2:
        cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB, dst=out)
    else:
        np.copyto(out, crop)
    if change.flip:
        cv2.flip(out, 1, dst=out)


def move_box(
    target_size: tuple[float, float], change: Change, *, search_px: int
) -> tuple[float, float, float, float]:
    """Return the target's box in the finished search crop: left, top, right, bottom in its px."""
    left, top, side = change.search
    zoom = SEARCH_SIZE / side
    center_x, center_y = (search_px / 2 - left) * zoom, (search_px / 2 - top) * zoom
    if change.flip:
        center_x = SEARCH_SIZE - center_x
    half_w, half_h = target_size[0] * zoom / 2, target_size[1] * zoom / 2
    return center_x - half_w, center_y - half_h, center_x + half_w, center_y + half_h


def augment_pair(
    template: Image,
    search: Image,
    target_size: tuple[float, float],
    settings: AugmentSettings,
    rng: np.random.Generator,
) -> tuple[Image, Image, NDArray[np.float32]]:
    """Augment one pair.

    Args:
        template: (127 + 2M, 127 + 2M, 3) uint8 RGB as stored, the target in the middle.
        search: (255 + 2M, 255 + 2M, 3) uint8 RGB as stored.
        target_size: (w, h) of the target in px of the search crop.
        settings: How strongly.
        rng: The pair's own generator, such as `sampling.rng.pair_rng` makes.

    Returns:
        Template (127, 127, 3), search crop (255, 255, 3), and (4,) left, top, right, bottom of the
        target in the search crop in edge coordinates; it may reach past the crop.
    """
    template_px, search_px = template.shape[0], search.shape[0]
    if settings.enabled:
        change = draw_change(settings, rng, template_px=template_px, search_px=search_px)
    else:
        change = no_change(template_px=template_px, search_px=search_px)
    out_template = np.empty((TEMPLATE_SIZE, TEMPLATE_SIZE, 3), np.uint8)
    out_search = np.empty((SEARCH_SIZE, SEARCH_SIZE, 3), np.uint8)
    if change.gray:
        template, search = (cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in (template, search))
    finish_crop(cut_window(template, change.template, TEMPLATE_SIZE), change, out_template)
    finish_crop(cut_window(search, change.search, SEARCH_SIZE), change, out_search)
    box = np.array(move_box(target_size, change, search_px=search_px), np.float32)
    return out_template, out_search, box
