"""SiamFC's head: a similarity map."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.correlation import cross_correlation
from model.heads.base import Head, HeadConfig, Losses, Outputs, best_cells, mean_of_halves

RADIUS_PX = 16.0
"""Largest distance of a positive cell from the target's centre."""
_RESPONSE_GAIN = 16.0  # on the mean product; 1e-3 on the sum of 32 x 22 x 22 of them


class SiamFCTargets(NamedTuple):
    """Labels of the similarity map."""

    positive: Tensor
    """(B, n, n) bool, True for cells near the target's centre."""


class SiamFCHead(Head):
    """One logit for each offset of the template: ``gain * response + bias``.

    The gain is fixed: the gradient of a learnt one is the sum of raw responses, and within six
    steps at learning rate 0.01 the loss was not finite. It is a factor on the mean product and not
    on the sum, so that networks of all widths start near log 2: with 1e-3 on the sum, that of the
    full width starts at 3.0.

    Args:
        channels: Channels of both maps.
        config: Options of the network.

    Shape:
        - x: (B, C, 44, 44) search map
        - z: (B, C, 22, 22) template map, or (1, C, 22, 22)
        - response: (B, 23, 23) logits
    """

    has_size = False

    def __init__(self, channels: int, config: HeadConfig) -> None:
        super().__init__(channels, config)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, z: Tensor) -> Outputs:
        """Return ``{"response": (B, 23, 23)}``."""
        gain = _RESPONSE_GAIN / z[0].numel()
        return {"response": gain * self.correlate(x, z).squeeze(1) + self.bias}

    def correlate(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the raw (B, 1, 23, 23) response."""
        return cross_correlation(x, z)

    def targets(
        self, boxes_xyxy: Tensor, positive: Tensor, *, center_ratio: float = 1.0
    ) -> SiamFCTargets:
        """Return the labels; they do not depend on the target's size."""
        cells = self.centers(boxes_xyxy)
        left, top, right, bottom = boxes_xyxy.unbind(1)
        shift_x = cells - ((left + right) / 2)[:, None]  # (B, n)
        shift_y = cells - ((top + bottom) / 2)[:, None]
        distance = torch.hypot(shift_x[:, None, :], shift_y[:, :, None])  # (B, n, n), rows are y
        return SiamFCTargets((distance <= RADIUS_PX) & positive[:, None, None])

    def loss(
        self, outputs: Outputs, targets: SiamFCTargets, *, counts: Tensor | None = None
    ) -> Losses:
        """Return the logistic loss of the map."""
        response, positive = outputs["response"].float(), targets.positive
        cells = F.binary_cross_entropy_with_logits(response, positive.float(), reduction="none")
        return {"loss": mean_of_halves(cells, positive, counts)}

    def scores(self, outputs: Outputs) -> Tensor:
        """Return the response."""
        return outputs["response"]

    def boxes(self, outputs: Outputs, true_boxes: Tensor) -> Tensor:
        """Return boxes of the true size around the best cells."""
        rows, columns = best_cells(outputs["response"])
        cells = self.centers(true_boxes)
        centers = torch.stack((cells[columns], cells[rows]), dim=1)
        half = (true_boxes[:, 2:] - true_boxes[:, :2]) / 2
        return torch.cat((centers - half, centers + half), dim=1)
