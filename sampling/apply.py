"""The two crops of a pair, made from stored ones.

The geometry of a crop is one resample of a rectangle of whole pixels of the stored crop, never a
chain of them, and none where there is nothing to do. Past the stored crop the picture is continued
by reflection: a flat bar would tell the network where the target went.
"""

from collections.abc import Callable

from model.sizes import SEARCH_SIZE
from sampling.augment import Change
from sampling.pixels.cut import Image, Window
from sampling.pixels.looks import change_color, change_look
from sampling.pixels.transplant import Box, put_before

CutCrop = Callable[[str, Window, bool, Image], None]
"""(role, window, flip, out): writes a window of a pair's stored crop, resampled, to ``out``; roles
are ``"template"``, ``"search"`` and ``"background"``."""


def move_box(target_size: tuple[float, float], change: Change, *, search_px: int) -> Box:
    """Return the target's box in the finished search crop: left, top, right, bottom in its px."""
    left, top, width, height = change.search
    zoom_x, zoom_y = SEARCH_SIZE / width, SEARCH_SIZE / height
    center_x, center_y = (search_px / 2 - left) * zoom_x, (search_px / 2 - top) * zoom_y
    if change.flip:
        center_x = SEARCH_SIZE - center_x
    half_w, half_h = target_size[0] * zoom_x / 2, target_size[1] * zoom_y / 2
    return center_x - half_w, center_y - half_h, center_x + half_w, center_y + half_h


def apply_change(
    change: Change,
    cut: CutCrop,
    target_size: tuple[float, float],
    *,
    search_px: int,
    template: Image,
    search: Image,
) -> Box:
    """Make the crops of one pair.

    Args:
        change: Change of the pair.
        cut: Writes windows of the stored crops.
        target_size: (w, h) of the target in px of the stored search crop.
        search_px: Side of the stored search crop.
        template: (127, 127, 3) uint8 RGB to write to.
        search: (255, 255, 3) uint8 RGB to write to.

    Returns:
        The target's box in the finished search crop.
    """
    box = move_box(target_size, change, search_px=search_px)
    cut("template", change.template, change.flip, template)
    cut("search", change.search, change.flip, search)
    if change.background is not None:
        window, flip, target_color = change.background
        target = search.copy()
        if target_color is not None:
            change_color(target, target_color)
        cut("background", window, flip, search)
        put_before(target, search, box)
    change_look(template, change.template_look)
    change_look(search, change.search_look)
    return box
