"""Filmstrips: a few frames of a sequence with the true box and those of trackers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from commands.pages.figures import figure_svg
from datasets.files import RawFiles
from datasets.tracks import SourceError
from evaluation.sequences import BenchmarkSequence, read_image, to_edges

_TRUTH_STYLE = {"edgecolor": "#2ecc40"}
_STYLES = ({"edgecolor": "#ff4136"}, {"edgecolor": "#0074d9", "linestyle": "--"})
_NUM_FRAMES = 6


def filmstrip(
    sequence: BenchmarkSequence,
    predictions: Sequence[NDArray[np.float64]],
    files: RawFiles,
    *,
    frames: NDArray[np.intp] | None = None,
) -> str | None:
    """Return frames of a sequence as SVG; None if the copy has no images to show.

    Args:
        sequence: Of a one-pass benchmark.
        predictions: (T, 4) boxes of one or two trackers, counted from 1.
        files: The benchmark's root.
        frames: Which frames to show; without it, some spread over the sequence.
    """
    length = len(sequence.frames)
    spread = np.linspace(0, length - 1, _NUM_FRAMES).round().astype(np.intp)
    chosen = np.unique(spread if frames is None else frames)
    try:
        images = [read_image(files, sequence.frames[index]) for index in chosen]
    except SourceError:
        return None
    figure = Figure(figsize=(2.6 * len(chosen), 2.3), dpi=100)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.9, bottom=0.01, wspace=0.03)
    all_axes = np.atleast_1d(figure.subplots(1, len(chosen)))
    for axes, index, image in zip(all_axes, chosen, images, strict=True):
        axes.imshow(image)
        _draw(axes, to_edges(sequence.truth[index]), _TRUTH_STYLE)
        for boxes, style in zip(predictions, _STYLES, strict=False):
            _draw(axes, to_edges(boxes[index]), style)
        axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
        axes.set_axis_off()
        axes.set_title(f"{index + 1} of {length}", fontsize=8)
    return figure_svg(figure)


def _draw(axes: Any, box_xywh: NDArray[np.float64], style: Mapping[str, Any]) -> None:
    left, top, width, height = (float(value) for value in box_xywh)
    if np.isfinite([left, top, width, height]).all():
        # imshow puts the corner of the image at -0.5
        corner = (left - 0.5, top - 0.5)
        axes.add_patch(Rectangle(corner, width, height, fill=False, linewidth=2, **style))
