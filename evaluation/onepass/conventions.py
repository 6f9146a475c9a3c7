"""The rules that one-pass evaluators disagree on, one record per evaluator.

All of them measure overlap and centre error per frame and count the frames beyond a list of
thresholds; they differ in which frames count, and how. Papers print the numbers of ``otb``, the
MATLAB toolkits of OTB and LaSOT, so that is the default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ConventionName = Literal["otb", "pysot", "got10k", "pytracking", "got10k_val"]
Boxes = NDArray[np.float64]
Mask = NDArray[np.bool_]


def matlab_thresholds() -> NDArray[np.float64]:
    """Return the (21,) values of MATLAB's ``0:0.05:1``, which builds a colon from both ends.

    ``k * 0.05`` differs in the last bit for some k, and overlaps of integer boxes fall on it.
    """
    thresholds = np.arange(21, dtype=np.float64)
    thresholds *= 0.05
    thresholds[11:] = 1 - np.arange(9, -1, -1) * 0.05
    return thresholds


def _torch_thresholds() -> NDArray[np.float64]:
    """Return (21,) ``torch.arange(0, 1.05, 0.05)``: one bit higher at 0.65 and 0.75."""
    thresholds = np.arange(21, dtype=np.float64)
    thresholds *= 0.05
    thresholds[[13, 15]] = np.nextafter(thresholds[[13, 15]], 1)
    return thresholds


def _is_positive(truth: Boxes) -> Mask:
    return np.asarray((truth > 0).all(axis=1))


def _has_area(truth: Boxes) -> Mask:
    return np.asarray((truth[:, 2:] > 0).all(axis=1))


def _has_positive_center(truth: Boxes) -> Mask:
    return np.asarray((truth[:, :2] + (truth[:, 2:] - 1) / 2 > 0).all(axis=1))


def _has_positive_scaled_center(truth: Boxes) -> Mask:
    sizes = truth[:, 2:] + 1e-16
    return np.asarray(((truth[:, :2] + (truth[:, 2:] - 1) / 2) / sizes > 0).all(axis=1))


def _is_finite(truth: Boxes) -> Mask:
    return np.asarray(~np.isnan(truth).any(axis=1))


def _always(truth: Boxes) -> Mask:
    return np.ones(len(truth), dtype=bool)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Convention:
    """Rules of one evaluator where evaluators differ.

    The rules take (T, 4) ground truth and return (T,). A frame that fails one of the ``needs``
    is a hit at every threshold, which is how a zero in a wrong place came to be printed.
    """

    name: ConventionName
    title: str
    """Name in the captions of tables."""
    overlap_needs: Callable[[Boxes], Mask] = _always
    """Where success can be reached; elsewhere a frame is a miss."""
    error_needs: Callable[[Boxes], Mask] = _always
    """Where the centre error is measured; elsewhere a frame is a hit in precision."""
    normalised_needs: Callable[[Boxes], Mask] = _always
    """The same for normalised precision."""
    misses_unusable: bool = False
    """Whether a frame that success cannot reach is a miss in precision too, unless it is NaN."""
    first_frame_is_truth: bool = True
    """Whether ground truth replaces the first prediction."""
    repeats_bad_predictions: bool = False
    """Whether a prediction that is NaN or has no area repeats that of the frame before."""
    inclusive_pixels: bool = False
    """Whether a box ends at x + w - 1. It changes no area, but the last bit of an overlap."""
    clips_overlap: bool = False
    """Whether an overlap that rounding has put above 1 becomes 1."""
    drops_nan_frames: bool = False
    """Whether frames with NaN ground truth leave the denominator."""
    absent_frames: Literal["miss", "measure", "drop"] = "miss"
    """Treatment of frames flagged absent; dropped ones leave the denominator."""
    drops_first_frame: bool = False
    """Whether the first frame leaves the denominator."""
    clips_to_image: bool = False
    """Whether boxes are clipped to the image, where its size is known."""
    any_benchmark: bool = True
    """Whether `evaluation.compare` shows it on every benchmark, not only on its own."""
    measures: tuple[str, ...] = (
        "success (AUC)",
        "precision @ 20 px",
        "normalised precision (0.20)",
        "overlap > 0.5",
        "mean overlap",
    )
    """Columns of tables, keys of `evaluation.onepass.metrics.MEASURES`; the first one ranks."""
    explanation: str = (
        "Success is the mean of the curve over 21 overlap thresholds; precision is the fraction of "
        "frames whose centre is at most 20 px off. Both are means over sequences."
    )
    """Definition of the measures, for the report."""
    normalises_differences: bool = False
    """Whether the difference of the centres is divided by the target size, not each centre."""
    overlap_thresholds: NDArray[np.float64] = field(default_factory=matlab_thresholds)
    """(21,) success counts overlaps above these."""
    normalised_thresholds: NDArray[np.float64] = field(default_factory=lambda: np.arange(51) / 100)
    """(51,) normalised precision counts errors up to these."""


ERROR_THRESHOLDS: NDArray[np.float64] = np.arange(51, dtype=np.float64)
"""(51,) precision counts centre errors up to these, in pixels."""

CONVENTIONS: Mapping[str, Convention] = {
    "otb": Convention(
        name="otb",
        title="OTB/LaSOT MATLAB toolkits",
        overlap_needs=_is_positive,
        error_needs=_is_positive,
        normalised_needs=_is_positive,
        repeats_bad_predictions=True,
        inclusive_pixels=True,
    ),
    "pysot": Convention(
        name="pysot",
        title="pysot toolkit",
        overlap_needs=_has_area,
        error_needs=_has_positive_center,
        normalised_needs=_has_positive_scaled_center,
        first_frame_is_truth=False,
        clips_overlap=True,
        overlap_thresholds=np.arange(0, 1.05, 0.05),
    ),
    "got10k": Convention(
        name="got10k",
        title="GOT-10k toolkit",
        clips_overlap=True,
        drops_nan_frames=True,
        absent_frames="measure",
        normalises_differences=True,
        measures=(
            "success (AUC)",
            "precision @ 20 px",
            "normalised precision (mean)",
            "overlap > 0.5",
            "mean overlap",
        ),
        overlap_thresholds=np.linspace(0, 1, 21),
        normalised_thresholds=np.linspace(0, 0.5, 51),
    ),
    "pytracking": Convention(
        name="pytracking",
        title="pytracking toolkit",
        overlap_needs=_is_positive,
        error_needs=_is_finite,
        normalised_needs=_is_positive,
        misses_unusable=True,
        overlap_thresholds=_torch_thresholds(),
        repeats_bad_predictions=True,
        inclusive_pixels=True,
    ),
    "got10k_val": Convention(
        name="got10k_val",
        title="GOT-10k validation, means over sequences",
        any_benchmark=False,
        clips_overlap=True,
        clips_to_image=True,
        drops_nan_frames=True,
        drops_first_frame=True,
        absent_frames="drop",
        overlap_thresholds=np.linspace(0, 1, 21),
        measures=("AO", "SR 0.50", "SR 0.75"),
        explanation=(
            "AO is the mean overlap, SR the fraction of frames with a larger overlap than 0.50 or "
            "0.75, over the frames after the first in which the target is visible. All are means "
            "over sequences; the GOT-10k toolkit pools the frames of all sequences."
        ),
    ),
}
