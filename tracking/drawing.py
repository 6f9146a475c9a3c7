"""Boxes of several trackers in one picture, and a video of such pictures."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.box_files import has_area
from datasets.images import Image
from tracking.video_writer import VideoWriter

Color = tuple[int, int, int]

TRUTH = "ground truth"
"""Label that is always green, wherever it stands among the others."""
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
    """Return an RGB colour for each label: green for the ground truth, the rest by their order."""
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
    """Return a copy of the image with one box for each label, a legend and a caption.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes_xywh: Label to (4,) box; one with NaN or without area is listed as absent.
        colors: Label to RGB, from `colors_of`.
        caption: Text for the lower edge, such as the frame's number.
    """
    canvas = np.ascontiguousarray(image).copy()
    unit = max(1, round(min(image.shape[:2]) / 360))  # thickness that shows on a large frame too
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


def write_annotated_video(
    path: Path,
    frames: Iterable[Image],
    boxes_xywh: Mapping[str, NDArray[np.float64]],
    *,
    fps: float = 25.0,
    codec: str = "mp4v",
) -> int:
    """Write an mp4 of a sequence with the boxes of several trackers and return its frames.

    Args:
        path: The file to write; it is whole or absent.
        frames: T images (H, W, 3) uint8 RGB, read one by one.
        boxes_xywh: Label to (T, 4) boxes, such as ``{"ground truth": ..., "dcffnet": ...}``.
        fps: Frames per second.
        codec: As in `VideoWriter`.

    Raises:
        ValueError: The boxes are not as many as the frames.
    """
    colors = colors_of(boxes_xywh)
    lengths = {label: len(boxes) for label, boxes in boxes_xywh.items()}
    with VideoWriter(path, fps=fps, codec=codec) as writer:
        for index, image in enumerate(frames):
            if any(length <= index for length in lengths.values()):
                raise ValueError(f"{path}: {lengths} boxes, but there are more frames than that")
            row = {label: boxes[index] for label, boxes in boxes_xywh.items()}
            writer.write(draw_boxes(image, row, colors=colors, caption=f"frame {index}"))
        if any(length != writer.num_frames for length in lengths.values()):
            raise ValueError(f"{path}: {lengths} boxes, but {writer.num_frames} frames")
    return writer.num_frames


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
    """Darken a corner and write the lines into it, one colour each."""
    font, scale, step = cv2.FONT_HERSHEY_SIMPLEX, 0.4 * unit, 14 * unit
    widths = [cv2.getTextSize(text, font, scale, unit)[0][0] for text, _ in lines]
    height, width = len(lines) * step + 3 * unit, max(widths) + 8 * unit
    top = canvas.shape[0] - height if at_bottom else 0
    corner = canvas[max(top, 0) : top + height, :width]
    corner //= 3
    for index, (text, color) in enumerate(lines, start=1):
        at = (4 * unit, top + index * step - 3 * unit)
        cv2.putText(canvas, text, at, font, scale, color, unit, cv2.LINE_AA)
