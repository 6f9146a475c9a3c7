"""One-pass evaluation: success, precision and normalised precision of one tracker.

Boxes are (T, 4) left, top, width, height in the numbers that the benchmark's own files use (OTB,
UAV123 and LaSOT count pixels from 1): the toolkits' rule that ground truth is usable where all four
are > 0 depends on it. Curves are per sequence and divided by all its frames; a benchmark's curve
is the plain mean over its sequences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.tracks import SourceError
from evaluation.onepass.conventions import ERROR_THRESHOLDS, Boxes, Convention, Mask

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Curves:
    """Fractions of frames, of one sequence or averaged over several."""

    success: Values
    """(21,) frames whose overlap is above 0, 0.05, ... 1."""
    precision: Values
    """(51,) frames whose centre is at most 0, 1, ... 50 pixels off."""
    normalised: Values
    """(51,) frames whose centre is at most 0, 0.01, ... 0.50 target sizes off."""
    mean_overlap: float
    """Mean intersection over union over all frames; an unusable frame counts 0."""

    @property
    def auc(self) -> float:
        """The mean of the 21 success values; 20/21 for a perfect result."""
        return float(self.success.mean())

    @property
    def precision_at_20(self) -> float:
        """The fraction of frames at most 20 pixels off."""
        return float(self.precision[20])

    @property
    def success_at_half(self) -> float:
        """The fraction of frames with an overlap above 0.5."""
        return float(self.success[10])

    def printed_normalised(self, convention: Convention) -> float:
        """The normalised precision that the convention's evaluator prints."""
        is_mean = "normalised precision (mean)" in convention.measures
        return float(self.normalised.mean() if is_mean else self.normalised[20])


MEASURES: Mapping[str, Callable[[Curves], float]] = {
    "success (AUC)": lambda curves: curves.auc,
    "precision @ 20 px": lambda curves: curves.precision_at_20,
    "normalised precision (0.20)": lambda curves: float(curves.normalised[20]),
    "normalised precision (mean)": lambda curves: float(curves.normalised.mean()),
    "overlap > 0.5": lambda curves: curves.success_at_half,
    "mean overlap": lambda curves: curves.mean_overlap,
    "AO": lambda curves: curves.mean_overlap,
    "SR 0.50": lambda curves: float(curves.success[10]),
    "SR 0.75": lambda curves: float(curves.success[15]),
}
"""By the column of a table."""


def measure(
    predicted: Boxes,
    truth: Boxes,
    *,
    convention: Convention,
    absent: Mask | None = None,
    image_size: tuple[int, int] | None = None,
    where: str = "result",
) -> Curves:
    """Measure one sequence under a convention.

    Args:
        predicted: (T or more, 4) boxes; more than T rows are cut.
        truth: (T, 4) ground truth, NaN where there is none.
        convention: The rules.
        absent: (T,) True where the target is flagged absent, if the benchmark has such flags.
        image_size: Width and height in pixels, if known.
        where: Name in errors, such as the result file.

    Raises:
        SourceError: There are fewer predictions than frames.
    """
    length = len(truth)
    if len(predicted) < length:
        raise SourceError(
            f"{where}: {len(predicted)} boxes, expected {length}, one per frame. "
            "Track the sequence again, or check that the results belong to this benchmark"
        )
    predicted = prepare_predictions(predicted[:length], truth, convention=convention)
    if convention.clips_to_image and image_size is not None:
        predicted, truth = (clip_boxes(boxes, image_size) for boxes in (predicted, truth))
    measured, num_frames = _select_frames(truth, absent, convention)
    predicted, truth = predicted[measured], truth[measured]
    if num_frames == 0:
        nothing = np.zeros(51)
        return Curves(success=np.zeros(21), precision=nothing, normalised=nothing, mean_overlap=0.0)
    overlaps = overlap(predicted, truth, convention=convention)
    errors, normalised = center_errors(predicted, truth, convention=convention)
    return Curves(
        success=_count_above(overlaps, convention.overlap_thresholds) / num_frames,
        precision=_count_up_to(errors, ERROR_THRESHOLDS) / num_frames,
        normalised=_count_up_to(normalised, convention.normalised_thresholds) / num_frames,
        mean_overlap=float(np.clip(overlaps, 0, 1).sum()) / num_frames,
    )


def mean_curves(curves: Sequence[Curves], weights: Sequence[float] | None = None) -> Curves:
    """Return the mean over sequences; without weights each of them counts the same."""
    return Curves(
        success=np.average([curve.success for curve in curves], axis=0, weights=weights),
        precision=np.average([curve.precision for curve in curves], axis=0, weights=weights),
        normalised=np.average([curve.normalised for curve in curves], axis=0, weights=weights),
        mean_overlap=float(np.average([curve.mean_overlap for curve in curves], weights=weights)),
    )


def prepare_predictions(predicted: Boxes, truth: Boxes, *, convention: Convention) -> Boxes:
    """Return (T, 4) predictions as the convention measures them."""
    predicted = predicted.copy()
    if convention.repeats_bad_predictions:
        empty = ~(predicted[:, 2:] > 0).all(axis=1)
        bad = np.asarray((np.isnan(predicted).any(axis=1) | empty) & ~np.isnan(truth).any(axis=1))
        bad[:1] = False
        source = np.maximum.accumulate(np.where(bad, 0, np.arange(len(predicted))))
        predicted = predicted[source]
    if convention.first_frame_is_truth:
        predicted[:1] = truth[:1]
    return predicted


def clip_boxes(boxes_xywh: Boxes, image_size: tuple[int, int]) -> Boxes:
    """Return (T, 4) boxes inside an image, as the GOT-10k toolkit clips them."""
    corner = np.clip(boxes_xywh[:, :2], 0, image_size)
    return np.concatenate([corner, np.clip(boxes_xywh[:, 2:], 0, image_size - corner)], axis=1)


def _select_frames(truth: Boxes, absent: Mask | None, convention: Convention) -> tuple[Mask, int]:
    """Return (T,) True for the frames to measure, and the denominator."""
    dropped = np.zeros(len(truth), dtype=bool)
    dropped[:1] = convention.drops_first_frame
    if convention.drops_nan_frames:
        dropped |= np.isnan(truth).any(axis=1)
    missed = np.zeros(len(truth), dtype=bool)
    if absent is not None and convention.absent_frames == "drop":
        dropped |= absent
    elif absent is not None and convention.absent_frames == "miss":
        missed = absent
    return ~(dropped | missed), int(len(truth) - dropped.sum())


def overlap(predicted: Boxes, truth: Boxes, *, convention: Convention) -> Values:
    """Return (T,) intersection over union, -1 where ground truth is unusable."""
    pixel = 1.0 if convention.inclusive_pixels else 0.0
    top_left = np.maximum(predicted[:, :2], truth[:, :2])
    bottom_right = np.minimum(
        predicted[:, :2] + predicted[:, 2:] - pixel, truth[:, :2] + truth[:, 2:] - pixel
    )
    shared = np.maximum(bottom_right - top_left + pixel, 0).prod(axis=1)
    union = predicted[:, 2:].prod(axis=1) + truth[:, 2:].prod(axis=1) - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        overlaps = shared / union
    if convention.clips_overlap:
        overlaps = np.clip(overlaps, 0, 1)
    return np.where(convention.overlap_needs(truth) & ~np.isnan(overlaps), overlaps, -1)


def center_errors(
    predicted: Boxes, truth: Boxes, *, convention: Convention
) -> tuple[Values, Values]:
    """Return (T,) centre errors in pixels and (T,) in target sizes; -1 is a hit, inf a miss."""
    centers = predicted[:, :2] + (predicted[:, 2:] - 1) / 2
    true_centers = truth[:, :2] + (truth[:, 2:] - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(((centers - true_centers) ** 2).sum(axis=1))
        sizes = truth[:, 2:]
        if convention.normalises_differences:
            scaled = (centers - true_centers) / sizes
        else:
            scaled = centers / sizes - true_centers / sizes
        normalised = np.sqrt((scaled**2).sum(axis=1))
    errors, normalised = (
        np.where(np.isnan(values), np.inf, values) for values in (errors, normalised)
    )
    if convention.misses_unusable:
        errors = np.where(convention.overlap_needs(truth), errors, np.inf)
    errors = np.where(convention.error_needs(truth), errors, -1)
    return errors, np.where(convention.normalised_needs(truth), normalised, -1)


def _count_above(values: Values, thresholds: Values) -> Values:
    counts = len(values) - np.searchsorted(np.sort(values), thresholds, side="right")
    return counts.astype(np.float64)


def _count_up_to(values: Values, thresholds: Values) -> Values:
    return np.searchsorted(np.sort(values), thresholds, side="right").astype(np.float64)
