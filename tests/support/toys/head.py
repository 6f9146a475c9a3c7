"""A head in one file: the similarity of the search map to the centre of the template map."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.correlation import cross_correlation
from model.heads.base import Head, HeadConfig, Losses, Outputs, best_cells, mean_of_halves


class ToyTargets(NamedTuple):
    """Labels of the cells."""

    positive: Tensor


class ToyHead(Head):
    """One score for each cell, learnt by a hinge loss."""

    has_size = False
    template_crop = 10

    def __init__(self, channels: int, config: HeadConfig) -> None:
        super().__init__(channels, config)
        self.gain = nn.Parameter(torch.tensor(1 / channels))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, z: Tensor) -> Outputs:
        """Return ``{"score": (B, 43, 43)}``."""
        inside = slice(self.template_crop, z.shape[-1] - self.template_crop)
        similarity = cross_correlation(x, z[:, :, inside, inside]).squeeze(1)
        return {"score": self.gain * similarity + self.bias}

    def targets(
        self, boxes_xyxy: Tensor, positive: Tensor, *, center_ratio: float = 1.0
    ) -> ToyTargets:
        """Return the cells in the inner part of the box."""
        cells = self.centers(boxes_xyxy)
        center = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
        reach = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * center_ratio / 2
        inside = (cells - center[:, :, None]).abs() < reach[:, :, None]  # (B, 2, n)
        cells_inside = inside[:, 1, :, None] & inside[:, 0, None, :]
        return ToyTargets(cells_inside & positive[:, None, None])

    def loss(
        self, outputs: Outputs, targets: ToyTargets, *, counts: Tensor | None = None
    ) -> Losses:
        """Return the hinge loss."""
        sign = torch.where(targets.positive, 1.0, -1.0)
        hinge = F.relu(1 - sign * outputs["score"].float())
        return {"loss": mean_of_halves(hinge, targets.positive, counts)}

    def scores(self, outputs: Outputs) -> Tensor:
        """Return the scores."""
        return outputs["score"]

    def boxes(self, outputs: Outputs, true_boxes: Tensor) -> Tensor:
        """Return boxes of the true size around the best cells."""
        rows, columns = best_cells(outputs["score"])
        cells = self.centers(true_boxes)
        half = (true_boxes[:, 2:] - true_boxes[:, :2]) / 2
        center = torch.stack((cells[columns], cells[rows]), dim=1)
        return torch.cat((center - half, center + half), dim=1)
