"""Boxes of several trackers in one picture."""

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.box_files import has_area
from datasets.images import Image

Color = tuple[int, int, int]

TRUTH = "ground truth"
"""Label of the ground truth, which is always green."""
_TRUTH_COLOR: Color = (40, 220, 80)
_COLORS: tuple[Color, ...] = (
    (255, 70, 60),
    (60, 150, 255),
    (255, 200, 40),
    (235, 110, 255),
    (60, 230, 230),
    (255, 140, 60),
)
_SUBPIXEL_BITS = 4


def colors_of(labels: Iterable[str]) -> dict[str, Color]:
    """Return label to RGB colour: green for the ground truth, the others by their order."""
    others = [label for label in labels if label != TRUTH]
    colors = {label: _COLORS[index % len(_COLORS)] for index, label in enumerate(others)}
    return {**colors, TRUTH: _TRUTH_COLOR}


def draw_boxes(
    image: Image,
    boxes_xywh: Mapping[str, NDArray[np.float64]],
    *,
    colors: Mapping[str, Color],
    caption: str = "",
) -> Image:
    """Return a copy of the image with one box per label, a legend and a caption.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes_xywh: Label to (4,) box; a box with NaN or without area is listed as absent.
        colors: Label to RGB, from `colors_of`.
        caption: Text for the lower edge, such as the frame's number.
    """
    canvas = np.ascontiguousarray(image).copy()
    unit = max(1, round(min(image.shape[:2]) / 360))  # thickness that is visible on a large frame
    for box_xywh in boxes_xywh.values():  # dark rims below all colours
        if has_area(box_xywh):
            _draw_outline(canvas, box_xywh, (0, 0, 0), 4 * unit)
    for label, box_xywh in boxes_xywh.items():
        if has_area(box_xywh):
            _draw_outline(canvas, box_xywh, colors[label], 2 * unit)
    lines = [
        (label if has_area(box) else f"{label}: not in view", colors[label])
        for label, box in boxes_xywh.items()
    ]
    if lines:
        _draw_panel(canvas, lines, unit, at_bottom=False)
    if caption:
        _draw_panel(canvas, [(caption, (255, 255, 255))], unit, at_bottom=True)
    return canvas


def _draw_outline(
    canvas: Image, box_xywh: NDArray[np.float64], color: Color, thickness: int
) -> None:
    # OpenCV draws at pixel centres (edge coordinate - 0.5) and overflows far outside of the frame.
    height, width = canvas.shape[:2]
    limits = np.array([width, height], np.float64)
    first = np.clip(box_xywh[:2], -limits, 2 * limits)
    last = np.clip(box_xywh[:2] + box_xywh[2:], -limits, 2 * limits)
    corners = np.round((np.stack([first, last]) - 0.5) * (1 << _SUBPIXEL_BITS)).astype(int)
    (left, top), (right, bottom) = corners.tolist()
    options: dict[str, Any] = {"lineType": cv2.LINE_AA, "shift": _SUBPIXEL_BITS}
    cv2.rectangle(canvas, (left, top), (right, bottom), color, thickness, **options)


def _draw_panel(
    canvas: Image, lines: list[tuple[str, Color]], unit: int, *, at_bottom: bool
) -> None:
    """Darken a corner and write the lines into it in their colours."""
    font, scale, step = cv2.FONT_HERSHEY_SIMPLEX, 0.4 * unit, 14 * unit
    widths = [cv2.getTextSize(text, font, scale, unit)[0][0] for text, _ in lines]
    height, width = len(lines) * step + 3 * unit, max(widths) + 8 * unit
    top = canvas.shape[0] - height if at_bottom else 0
    corner = canvas[max(top, 0) : top + height, :width]
    corner //= 3
    for index, (text, color) in enumerate(lines, start=1):
        at = (4 * unit, top + index * step - 3 * unit)
        cv2.putText(canvas, text, at, font, scale, color, unit, cv2.LINE_AA)
