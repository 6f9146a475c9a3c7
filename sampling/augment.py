"""Augmentation of a pair: grayscale, flip, translation, scale.

The geometry of a crop is one resample of a square of whole pixels of the stored crop, never a
chain of them, and none where there is nothing to do. Past the stored crop the picture is continued
by reflection: a flat bar would tell the network where the target went.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.rng import NUMBERS_PER_PAIR

Image = NDArray[np.uint8]


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


def draw_changes(
    settings: AugmentSettings,
    numbers: NDArray[np.float64],
    *,
    template_px: NDArray[np.int64],
    search_px: NDArray[np.int64],
) -> list[Change]:
    """Return what is done to each pair of a batch.

    Args:
        settings: How strongly.
        numbers: (B, 8) in [0, 1), each pair's own. All eight have their use whatever is switched
            off, so that one setting never changes what another does.
        template_px: (B,) side of the stored template crops, margin included.
        search_px: (B,) side of the stored search crops.
    """
    if not settings.enabled:
        return [
            unchanged(*sides)
            for sides in zip(template_px.tolist(), search_px.tolist(), strict=True)
        ]
    template = _draw_windows(
        numbers[:, 2:5],
        template_px,
        TEMPLATE_SIZE,
        settings.template_translate_px,
        settings.template_scale,
    )
    search = _draw_windows(
        numbers[:, 5:8],
        search_px,
        SEARCH_SIZE,
        settings.search_translate_px,
        settings.search_scale,
    )
    gray = (numbers[:, 0] < settings.gray).tolist()
    flip = (numbers[:, 1] < settings.flip).tolist()
    return [Change(*change) for change in zip(gray, flip, template, search, strict=True)]


@cache
def unchanged(template_px: int, search_px: int) -> Change:
    """Return the change that delivers the middle of the stored crops as it is."""
    template_margin = (template_px - TEMPLATE_SIZE) // 2
    search_margin = (search_px - SEARCH_SIZE) // 2
    return Change(
        gray=False,
        flip=False,
        template=Window(template_margin, template_margin, TEMPLATE_SIZE),
        search=Window(search_margin, search_margin, SEARCH_SIZE),
    )


def _draw_windows(
    numbers: NDArray[np.float64],
    stored_px: NDArray[np.int64],
    size: int,
    translate: float,
    scale: float,
) -> list[Window]:
    spread = 2 * numbers - 1
    side = np.rint(size / (1 + scale * spread[:, 2:]))
    # the crop's point size / 2 + shift is to show the target, which is in the stored crop's middle
    start = stored_px[:, None] / 2 - (size / 2 + translate * spread[:, :2]) * (side / size)
    windows = np.concatenate([np.rint(start), side], axis=1).astype(np.int64)
    return [Window(*window) for window in windows.tolist()]


def cut_window(
    image: Image, window: Window, size: int, *, gray: bool, flip: bool, out: Image
) -> None:
    """Write the window of a stored crop, resampled to ``size`` pixels a side, to ``out``.

    This is `datasets.crops.crop_square` for windows of whole pixels and zooms near 1, without the
    filter that it needs for smaller ones, and without memory of its own.

    Args:
        image: (H, W, 3) uint8, or (H, W, 1) where the pair is gray.
        window: What to show; past the image it is continued by reflection.
        size: Side of the result.
        gray: Whether the image is gray.
        flip: Whether to mirror it.
        out: (size, size, 3) uint8.
    """
    left, top, side = window
    height, width = image.shape[:2]
    if left < 0 or top < 0 or left + side > width or top + side > height:
        image = _continued(image, window)
        left = top = 0
    part = image[top : top + side, left : left + side]
    if gray:
        if side != size:
            part = cv2.resize(part, (size, size))
        if flip:
            part = cv2.flip(part, 1)
        cv2.cvtColor(part, cv2.COLOR_GRAY2RGB, dst=out)
        return
    if side != size:
        cv2.resize(part, (size, size), dst=out)
        part = out
    if flip:
        cv2.flip(part, 1, dst=out)
    elif part is not out:
        np.copyto(out, part)


def _continued(image: Image, window: Window) -> Image:
    """Return a window that reaches past the image."""
    left, top, side = window
    height, width = image.shape[:2]
    right, bottom = left + side, top + side
    part = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    border = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    whole: Image = cv2.copyMakeBorder(part, *border, cv2.BORDER_REFLECT_101)
    return whole


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
    (change,) = draw_changes(
        settings,
        rng.random((1, NUMBERS_PER_PAIR)),
        template_px=np.array([template_px]),
        search_px=np.array([search_px]),
    )
    crops = []
    for image, window, size in (
        (template, change.template, TEMPLATE_SIZE),
        (search, change.search, SEARCH_SIZE),
    ):
        crop = np.empty((size, size, 3), np.uint8)
        seen = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if change.gray else image
        cut_window(seen, window, size, gray=change.gray, flip=change.flip, out=crop)
        crops.append(crop)
    box = np.array(move_box(target_size, change, search_px=search_px), np.float32)
    return crops[0], crops[1], box
