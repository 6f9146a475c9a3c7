"""The losses of both stages, each a dictionary of named scalars with the total under ``"loss"``.

Positive and negative cells weigh half each. Their numbers are passed in where the batch is spread
over ranks: with the counts of the global batch, the ranks' losses add up to the global loss.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Losses = dict[str, Tensor]


class CARTargets(NamedTuple):
    """What the CAR head should say."""

    positive: Tensor
    """(B, 25, 25) bool, True where the cell's location lies in the target's box."""
    ltrb: Tensor
    """(B, 4, 25, 25) distances to the box's sides in px; only read where ``positive``."""


def count_cells(positive: Tensor) -> Tensor:
    """Return (2,) float: the number of positive and of negative cells.

    Args:
        positive: (B, n, n) labels of cells, bool or 0 and 1.
    """
    num_positive = positive.sum(dtype=torch.float32)
    return torch.stack((num_positive, positive.numel() - num_positive))


def siamfc_loss(
    outputs: dict[str, Tensor], labels: Tensor, *, counts: Tensor | None = None
) -> Losses:
    """Return the logistic loss of the similarity map.

    Args:
        outputs: ``"response"`` (B, n, n) logits.
        labels: (B, n, n) 1 at and around the target, 0 elsewhere.
        counts: ``count_cells`` of the global batch, if this batch is a part of it.
    """
    counts = count_cells(labels) if counts is None else counts
    response = outputs["response"].float()
    cells = F.binary_cross_entropy_with_logits(response, labels.float(), reduction="none")
    return {"loss": _half_each(cells, labels.bool(), counts)}


def car_loss(
    outputs: dict[str, Tensor], targets: CARTargets, *, counts: Tensor | None = None
) -> Losses:
    """Return cross entropy, IoU loss over the positive cells, and their sum.

    Args:
        outputs: ``"logits"`` (B, 2, 25, 25) and ``"ltrb"`` (B, 4, 25, 25).
        targets: Labels and distances.
        counts: ``count_cells`` of the global batch, if this batch is a part of it.
    """
    positive = targets.positive
    counts = count_cells(positive) if counts is None else counts
    cells = F.cross_entropy(outputs["logits"].float(), positive.long(), reduction="none")
    classification = _half_each(cells, positive, counts)
    # the where keeps the cells outside out of the logarithm, and out of the gradient
    inside = torch.where(positive[:, None], targets.ltrb.float(), 1.0)
    iou = ltrb_iou(outputs["ltrb"].float(), inside)  # (B, 25, 25)
    regression = torch.where(positive, -iou.log(), 0.0).sum() / counts[0].clamp(min=1)
    return {
        "loss": classification + regression,
        "classification": classification,
        "regression": regression,
    }


def ltrb_iou(predicted: Tensor, target: Tensor) -> Tensor:
    """Return (B, ...) IoU of boxes around the same locations, given by distances to their sides.

    Args:
        predicted: (B, 4, ...) positive distances left, top, right, bottom.
        target: (B, 4, ...) the same; distances >= 0.
    """
    overlap = torch.minimum(predicted, target)
    intersection = _area(overlap)
    union = _area(predicted) + _area(target) - intersection
    smallest = torch.finfo(predicted.dtype).eps
    return (intersection.clamp(min=smallest) / union.clamp(min=smallest)).clamp(max=1.0)


def _area(ltrb: Tensor) -> Tensor:
    left, top, right, bottom = ltrb.unbind(1)
    return (left + right) * (top + bottom)


def _half_each(cells: Tensor, positive: Tensor, counts: Tensor) -> Tensor:
    weights = torch.where(positive, 0.5 / counts[0].clamp(min=1), 0.5 / counts[1].clamp(min=1))
    return (weights * cells).sum()
