"""Filmstrips: a few frames of a sequence with the true box and a tracker's."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from datasets.files import RawFiles
from datasets.tracks import SourceError
from evaluation.plots import figure_svg
from evaluation.sequences import BenchmarkSequence, read_image, to_edges

_TRUTH_COLOR, _TRACKER_COLOR = "#2ecc40", "#ff4136"


def filmstrip(
    sequence: BenchmarkSequence,
    predicted: NDArray[np.float64],
    files: RawFiles,
    *,
    num_frames: int = 6,
) -> str | None:
    """Return frames of a sequence as SVG; None if the copy has no images to show.

    Args:
        sequence: Of a one-pass benchmark.
        predicted: (T, 4) a tracker's boxes, counted from 1.
        files: The benchmark's root.
        num_frames: How many frames to show.
    """
    length = len(sequence.frames)
    chosen = np.unique(np.linspace(0, length - 1, num_frames).round().astype(int))
    if not all(files.exists(sequence.frames[index]) for index in chosen):
        return None
    figure = Figure(figsize=(2.6 * len(chosen), 2.3), dpi=100)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.9, bottom=0.01, wspace=0.03)
    all_axes = np.atleast_1d(figure.subplots(1, len(chosen)))
    for axes, index in zip(all_axes, chosen, strict=True):
        try:
            image = read_image(files, sequence.frames[index])
        except SourceError:
            return None
        axes.imshow(image)
        for box, color in (
            (sequence.truth[index], _TRUTH_COLOR),
            (predicted[index], _TRACKER_COLOR),
        ):
            _draw(axes, to_edges(box), color)
        axes.set(xlim=(0, image.shape[1]), ylim=(image.shape[0], 0))
        axes.set_axis_off()
        axes.set_title(f"{index + 1} of {length}", fontsize=8)
    return figure_svg(figure)


def _draw(axes: object, box_xywh: Sequence[float] | NDArray[np.float64], color: str) -> None:
    left, top, width, height = (float(value) for value in box_xywh)
    if np.isfinite([left, top, width, height]).all():
        # imshow puts the corner of the image at -0.5
        outline = Rectangle(
            (left - 0.5, top - 0.5), width, height, fill=False, edgecolor=color, linewidth=2
        )
        axes.add_patch(outline)  # type: ignore[attr-defined]
