"""Validation on fixed pairs: loss, AUC of the classification, and the figures of the boxes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from model.heads.base import count_cells
from model.sizes import SEARCH_SIZE
from sampling.batch import PairBatch
from trainer.learning.learner import Learner
from trainer.preemption import StopRequest
from trainer.validation.figures import Floats, Groups, KnownPairs, measure_groups

NUM_EXAMPLES = 6
_COLUMNS = 11


@dataclass(frozen=True, kw_only=True)
class Examples:
    """A few validation pairs and the network's outputs, on the CPU."""

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
    """Figures of the validation pairs; all but the loss are of positive pairs."""

    loss: float
    auc: float
    """Area under the ROC curve of a crop's target cells against its others: 0.5 is chance."""
    middle_auc: float
    """The same of a network that always answers the middle."""
    figures: Groups
    """Places and sizes by group, see `trainer.validation.figures`."""
    constant_size: tuple[float, float]
    """(w, h) in px of the constant box beside which sizes are judged."""
    examples: Examples | None = field(repr=False, compare=False, default=None)


@torch.no_grad()
def validate(
    learner: Learner, batches: Iterable[PairBatch], known: KnownPairs, *, stop: StopRequest
) -> ValidationReport | None:
    """Return the report on the batches; None if asked to stop before their end.

    Each rank has a slice of every global batch; the report is that of all of them, on every rank.

    Args:
        learner: The network and the processes.
        batches: Of this rank.
        known: Of all pairs, by `PairBatch.pair_index`.
        stop: Checked before every batch.
    """
    learner.network.eval()
    losses: list[Tensor] = []
    rows = [torch.zeros(0, _COLUMNS, dtype=torch.float64)]
    examples: Examples | None = None
    for batch in batches:
        if learner.ranks.any(flag=stop.arrived):
            return None
        loss, measured, seen = _measure(learner, batch)
        losses.append(loss)
        rows.append(measured)
        examples = examples or seen
    loss = torch.stack(losses).mean() if losses else torch.zeros((), dtype=torch.float64)
    everything = learner.ranks.gather(torch.cat(rows))
    ordered = everything[everything[:, 0].argsort(stable=True)].numpy()  # for any number of ranks
    pair = ordered[:, 0].astype(int)
    return ValidationReport(
        loss=float(learner.ranks.sum(loss)),
        auc=_mean_of_known(ordered[:, 1]),
        middle_auc=_mean_of_known(ordered[:, 2]),
        figures=measure_groups(
            ordered[:, 3:7],
            ordered[:, 7:],
            replace(known, sources=known.sources[pair], is_video=known.is_video[pair]),
            has_size=learner.network.head.has_size,
        ),
        constant_size=known.constant_size,
        examples=examples,
    )


def _measure(learner: Learner, batch: PairBatch) -> tuple[Tensor, Tensor, Examples]:
    """Return this rank's part of the loss, a row for each positive pair, and the first pairs.

    A row is the pair's number, its AUC, that of the middle, the predicted box and the true one.
    """
    batch = batch.to(learner.device)
    true_boxes, head = batch.boxes_xyxy, learner.network.head
    targets = learner.targets(batch)
    cells = targets.positive
    counts = learner.ranks.sum(count_cells(cells))
    with learner.autocast():
        outputs = learner.network(batch.template, batch.search)
    loss = head.loss(outputs, targets, counts=counts)["loss"]
    scores = head.scores(outputs).float()
    boxes = head.boxes(outputs, true_boxes).float()
    offset = (head.centers(scores) - SEARCH_SIZE / 2).square()
    nearness = -(offset[:, None] + offset[None, :]).expand_as(scores)
    columns = [batch.pair_index.double(), roc_auc(scores, cells), roc_auc(nearness, cells)]
    measured = torch.cat([torch.stack(columns, dim=1), boxes, true_boxes], dim=1)[batch.positive]
    return (
        loss.detach().to("cpu", torch.float64),
        measured.to("cpu", torch.float64),
        Examples(
            template=_first(batch.template),
            search=_first(batch.search),
            true_boxes=_first(true_boxes),
            predicted_boxes=_first(boxes),
            scores=_first(scores),
        ),
    )


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


def _mean_of_known(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan
