"""Validation: loss, mean IoU, centre error and AUC of the classification, on fixed pairs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.losses import count_cells
from sampling.batch import PairBatch
from trainer.learner import Learner
from trainer.preemption import StopRequest

NUM_EXAMPLES = 6


@dataclass(frozen=True, kw_only=True)
class Examples:
    """A few validation pairs and what the network says about them, on the CPU."""

    template: Tensor
    """(B, 127, 127, 3) uint8 RGB."""
    search: Tensor
    """(B, 255, 255, 3) uint8 RGB."""
    true_boxes: Tensor
    """(B, 4) left, top, right, bottom in px of the search crop."""
    predicted_boxes: Tensor
    """(B, 4) the same."""
    scores: Tensor
    """(B, n, n) the response: higher where the target is thought to be."""


@dataclass(frozen=True, kw_only=True)
class ValidationReport:
    """Means over the validation pairs; all but the loss over the positive ones."""

    loss: float
    mean_iou: float
    """Of the box at the best cell with the true box; SiamFC's box has the true size."""
    center_error_px: float
    """Distance of their centres, in px of the search crop."""
    auc: float
    """Area under the ROC curve of a crop's target cells against its others: 0.5 is chance."""
    num_pairs: int
    examples: Examples | None = field(repr=False, compare=False, default=None)


@torch.no_grad()
def validate(
    learner: Learner, batches: Iterable[PairBatch], *, stop: StopRequest
) -> ValidationReport | None:
    """Return the means over the batches; None if asked to stop before their end.

    Each rank has a slice of every global batch; the report is that of all of them, on every rank.
    """
    learner.network.eval()
    sums = torch.zeros(6, dtype=torch.float64)
    examples: Examples | None = None
    num_batches = 0
    for batch in batches:
        if learner.ranks.any(flag=stop.arrived):
            return None
        measured, seen = _measure(learner, batch)
        sums += measured.to(sums)
        examples = examples or seen
        num_batches += 1
    loss, iou, error, positives, auc, with_cells = learner.ranks.sum(sums).tolist()
    return ValidationReport(
        loss=loss / max(num_batches, 1),
        mean_iou=iou / max(positives, 1),
        center_error_px=error / max(positives, 1),
        auc=auc / max(with_cells, 1),
        num_pairs=int(positives),
        examples=examples,
    )


def _measure(learner: Learner, batch: PairBatch) -> tuple[Tensor, Examples]:
    """Return (6,) loss, and sums of IoU, centre error, 1, AUC, 1; and the first pairs."""
    batch = batch.to(learner.device)
    true_boxes, positive, objective = batch.boxes_xyxy, batch.positive, learner.objective
    targets = objective.targets(true_boxes, positive)
    cells = objective.positive_cells(targets)
    counts = learner.ranks.sum(count_cells(cells))
    with learner.autocast():
        outputs = learner.network(batch.template, batch.search)
    loss = objective.loss(outputs, targets, counts)["loss"]
    scores = objective.scores(outputs).float()
    boxes = objective.boxes(outputs, true_boxes).float()
    auc = roc_auc(scores, cells)
    measured = torch.stack(
        [
            loss,
            (box_iou(boxes, true_boxes) * positive).sum(),
            (_center_distance(boxes, true_boxes) * positive).sum(),
            positive.sum(),
            auc.nansum(),
            auc.isfinite().sum(),
        ]
    )
    return measured, Examples(
        template=_first(batch.template),
        search=_first(batch.search),
        true_boxes=_first(true_boxes),
        predicted_boxes=_first(boxes),
        scores=_first(scores),
    )


def box_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return (B,) IoU of boxes (B, 4) left, top, right, bottom, pair by pair."""
    corner = torch.maximum(first[:, :2], second[:, :2])
    overlap = (torch.minimum(first[:, 2:], second[:, 2:]) - corner).clamp(min=0).prod(dim=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (first, second)]
    return overlap / (areas[0] + areas[1] - overlap).clamp(min=1e-6)


def roc_auc(scores: Tensor, positive: Tensor) -> Tensor:
    """Return (B,) the share of (positive, negative) cells in the right order; ties count half.

    Args:
        scores: (B, n, n).
        positive: (B, n, n) bool. A map without cells of both kinds gives NaN.
    """
    flat, labels = scores.flatten(1).contiguous(), positive.flatten(1)
    ordered = flat.sort(dim=1).values
    lower = torch.searchsorted(ordered, flat)
    upper = torch.searchsorted(ordered, flat, right=True)
    ranks = (lower + upper + 1).double() / 2
    num_positive = labels.sum(dim=1)
    num_pairs = num_positive * (labels.shape[1] - num_positive)
    above = (ranks * labels).sum(dim=1) - num_positive * (num_positive + 1) / 2
    return torch.where(num_pairs > 0, above / num_pairs, torch.nan)


def _first(tensor: Tensor) -> Tensor:
    """Return a copy of the first pairs: the loader uses the batch's memory again."""
    return tensor[:NUM_EXAMPLES].to("cpu", copy=True)


def _center_distance(first: Tensor, second: Tensor) -> Tensor:
    doubled = first[:, :2] + first[:, 2:] - second[:, :2] - second[:, 2:]
    distance: Tensor = doubled.norm(dim=1) / 2
    return distance
