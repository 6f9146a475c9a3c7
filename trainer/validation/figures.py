"""Figures of validation, each beside that of an answer that takes no learning.

Pure functions of boxes, in px of the search crop. Two answers are trivial: the middle of the crop
for the place, and one constant box, the median size of the training pairs, for the size. A figure
that its trivial answer reaches is no evidence of learning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.sizes import SEARCH_SIZE

Floats = NDArray[np.float64]
Figures = dict[str, float | None]
"""Name to value; None where the figure is undefined."""
Groups = dict[str, Figures]
"""The figures of ``all`` pairs, of ``video``, of ``stills``, and of each ``source NAME``."""

Measured = Mapping[str, Mapping[str, float | None]]
"""`Groups` for readers."""

KINDS = ("video", "stills")
MIN_SIZE_GAIN = 0.02
"""A head that gains less over a constant box has learnt no sizes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownPairs:
    """Properties of P validation pairs that need no network."""

    sources: NDArray[Any]
    """(P,) str."""
    is_video: NDArray[np.bool_]
    """(P,) True where the two crops are of different frames, False for a still."""
    constant_size: tuple[float, float]
    """(w, h) in px: the median size of the training pairs' targets."""


def measure_groups(
    predicted: Floats,
    true: Floats,
    known: KnownPairs,
    *,
    has_size: bool,
) -> Groups:
    """Return the figures of each group that has pairs.

    Args:
        predicted: (P, 4) left, top, right, bottom.
        true: (P, 4) the same.
        known: Of the same pairs.
        has_size: False leaves out the figures of sizes, for a head that predicts none.
    """
    members = {"all": np.ones(len(true), bool), "video": known.is_video, "stills": ~known.is_video}
    members |= {f"source {name}": known.sources == name for name in sorted(set(known.sources))}
    groups = {}
    for group, chosen in members.items():
        if chosen.any():
            groups[group] = measure_places(predicted[chosen], true[chosen])
            if has_size:
                constant_size = np.array(known.constant_size)
                groups[group] |= measure_sizes(predicted[chosen], true[chosen], constant_size)
    return groups


def measure_places(predicted: Floats, true: Floats) -> Figures:
    """Return the figures of the places of boxes (P, 4), beside those of the crop's middle."""
    center, size = _center_and_size(true)
    figures: Figures = {"num_pairs": len(true)}
    middle = np.full_like(center, SEARCH_SIZE / 2)
    for prefix, answer in (("", _center_and_size(predicted)[0]), ("middle_", middle)):
        error = np.linalg.norm(answer - center, axis=1)
        figures[f"{prefix}center_error_px"] = _plain(error.mean())
        figures[f"{prefix}center_error_median_px"] = _plain(np.median(error))
        figures[f"{prefix}true_size_iou"] = _plain(box_iou(_box(answer, size), true).mean())
    return figures


def measure_sizes(predicted: Floats, true: Floats, constant_size: Floats) -> Figures:
    """Return the figures of the sizes of boxes (P, 4), beside those of a constant box (w, h)."""
    answer, size = _center_and_size(predicted)
    center, true_size = _center_and_size(true)
    figures: Figures = {}
    gain: dict[str, float] = {}
    constant = np.broadcast_to(constant_size, size.shape)
    for prefix, sides in (("", size), ("constant_", constant)):
        gain[prefix] = box_iou(_box(center, sides), true).mean()
        errors = np.median(np.abs(_log(sides) - _log(true_size)), axis=0)
        figures[f"{prefix}iou"] = _plain(box_iou(_box(answer, sides), true).mean())
        figures[f"{prefix}size_iou"] = _plain(gain[prefix])
        figures[f"{prefix}log_width_error"] = _plain(errors[0])
        figures[f"{prefix}log_height_error"] = _plain(errors[1])
    figures["size_gain"] = _plain(gain[""] - gain["constant_"])
    figures["log_aspect_correlation"] = _correlation(_log_aspect(size), _log_aspect(true_size))
    return figures


def box_iou(first: Floats, second: Floats) -> Floats:
    """Return (P,) IoU of boxes (P, 4) left, top, right, bottom, pair by pair."""
    corner = np.maximum(first[:, :2], second[:, :2])
    sides = np.clip(np.minimum(first[:, 2:], second[:, 2:]) - corner, 0, None)
    overlap = sides.prod(axis=1)
    areas = [np.clip(box[:, 2:] - box[:, :2], 0, None).prod(axis=1) for box in (first, second)]
    iou: Floats = overlap / np.maximum(areas[0] + areas[1] - overlap, 1e-6)
    return iou


def find_weak_sizes(groups: Measured) -> str | None:
    """Return a warning if the sizes are no better than a constant box's on video or on stills."""
    gains = {kind: groups[kind].get("size_gain") for kind in KINDS if kind in groups}
    known = {kind: gain for kind, gain in gains.items() if gain is not None}
    if not known or min(known.values()) >= MIN_SIZE_GAIN:
        return None
    said = ", ".join(f"{gain:.3f} on {kind}" for kind, gain in known.items())
    return (
        f"size gain {said}: below {MIN_SIZE_GAIN}, so the boxes gain next to nothing over "
        "one constant box. Try the recipes pretrain and finetune (--model.template-crop 7, "
        "--center-ratio 0.4, augmentation, all layers trained), or more pairs"
    )


def _center_and_size(boxes: Floats) -> tuple[Floats, Floats]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _box(center: Floats, size: Floats) -> Floats:
    return np.concatenate([center - size / 2, center + size / 2], axis=1)


def _log(size: Floats) -> Floats:
    logarithm: Floats = np.log(np.maximum(size, 1e-6))
    return logarithm


def _log_aspect(size: Floats) -> Floats:
    logarithm = _log(size)
    return logarithm[:, 0] - logarithm[:, 1]


def _correlation(first: Floats, second: Floats) -> float | None:
    """Return Pearson's correlation; None where one side does not vary."""
    if not np.minimum(np.ptp(first), np.ptp(second)) > 1e-5:  # NaN included
        return None
    return _plain(np.corrcoef(first, second)[0, 1])


def _plain(value: float | np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
