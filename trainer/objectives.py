"""What each head is trained for: its targets, its loss, and what it says, behind one interface."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from model.config import ModelConfig
from model.decode import decode_boxes
from model.heads import Outputs
from model.location import cell_locations
from model.losses import CARTargets, Losses, car_loss, siamfc_loss
from sampling.labels import car_targets, siamfc_labels

Targets = Any
"""What `Objective.targets` made and `Objective.loss` takes."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The functions of one head; n is the number of cells along a side of its map."""

    targets: Callable[[Tensor, Tensor], Targets]
    """From boxes (B, 4) left, top, right, bottom in the search crop and positive (B,) bool."""
    positive_cells: Callable[[Targets], Tensor]
    """(B, n, n) bool."""
    loss: Callable[[Outputs, Targets, Tensor], Losses]
    """From outputs, targets, and the numbers of positive and negative cells to divide by."""
    scores: Callable[[Outputs], Tensor]
    """(B, n, n) higher where the target is thought to be."""
    boxes: Callable[[Outputs, Tensor], Tensor]
    """(B, 4) predicted boxes, like the true boxes that it also gets."""
    has_size: bool
    """Whether the head predicts sizes; else its boxes have the true ones."""
    locations: Tensor
    """(n,) where the cells look along an axis, in edge coordinates of the search crop."""


def make_objective(config: ModelConfig, *, center_ratio: float = 1.0) -> Objective:
    """Return the objective of a network's head.

    Args:
        config: The network.
        center_ratio: Share of the target, around its centre, whose cells are positive for the CAR
            head; SiamFC's labels do not depend on the target's size.
    """
    return _OBJECTIVES[config.head](config, center_ratio)


def _siamfc(config: ModelConfig, center_ratio: float) -> Objective:
    locations = cell_locations("siamfc", backbone=config.backbone) + 0.5

    def boxes(outputs: Outputs, true_boxes: Tensor) -> Tensor:
        # The head finds a place and no size: the box has the true size at the best cell.
        rows, columns = _best_cells(outputs["response"])
        places = locations.to(true_boxes)
        centers = torch.stack((places[columns], places[rows]), dim=1)
        half = (true_boxes[:, 2:] - true_boxes[:, :2]) / 2
        return torch.cat((centers - half, centers + half), dim=1)

    return Objective(
        targets=lambda boxes, positive: siamfc_labels(boxes, positive, backbone=config.backbone),
        positive_cells=lambda labels: labels > 0,
        loss=lambda outputs, labels, counts: siamfc_loss(outputs, labels, counts=counts),
        scores=lambda outputs: outputs["response"],
        boxes=boxes,
        has_size=False,
        locations=locations,
    )


def _car(config: ModelConfig, center_ratio: float) -> Objective:
    def scores(outputs: Outputs) -> Tensor:
        return outputs["logits"][:, 1] - outputs["logits"][:, 0]

    def boxes(outputs: Outputs, true_boxes: Tensor) -> Tensor:
        rows, columns = _best_cells(scores(outputs))
        pairs = torch.arange(len(rows), device=rows.device)
        return decode_boxes(outputs["ltrb"])[pairs, :, rows, columns]

    def positive_cells(targets: CARTargets) -> Tensor:
        return targets.positive

    return Objective(
        targets=partial(car_targets, center_ratio=center_ratio, template_crop=config.template_crop),
        positive_cells=positive_cells,
        loss=lambda outputs, targets, counts: car_loss(outputs, targets, counts=counts),
        scores=scores,
        boxes=boxes,
        has_size=True,
        locations=cell_locations("car", template_crop=config.template_crop) + 0.5,
    )


_OBJECTIVES: dict[str, Callable[[ModelConfig, float], Objective]] = {"siamfc": _siamfc, "car": _car}


def _best_cells(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B,) row and column of the highest score of each map."""
    best = scores.flatten(1).argmax(dim=1)
    return best // scores.shape[2], best % scores.shape[2]
