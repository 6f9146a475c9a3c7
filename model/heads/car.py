"""SiamCAR's head without centerness: classification and boxes."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.correlation import depthwise_correlation
from model.heads.base import (
    Head,
    HeadConfig,
    Losses,
    Outputs,
    best_cells,
    count_cells,
    mean_of_halves,
)

_AVERAGE_SIDE_DISTANCE_PX = 32.0  # a square target fills half of the template: 63.5 px of 127
_GROUP_CHANNELS = 8  # GroupNorm 32 at 256 channels


class CARTargets(NamedTuple):
    """Labels of the cells, and the distances from them to the sides of the box."""

    positive: Tensor
    """(B, 25, 25) bool, True where the cell's location lies in the target's box."""
    ltrb: Tensor
    """(B, 4, 25, 25) distances to the box's sides in px; only read where ``positive``."""


class CARHead(Head):
    """Two towers over the channelwise response: target or not, and the distances to its sides.

    Args:
        channels: Channels of both maps; a multiple of 8.
        config: Options of the network; the shapes are those of template crop 1, the paper's.

    Shape:
        - x: (B, C, 44, 44) search map
        - z: (B, C, 22, 22) template map, or (1, C, 22, 22); cut to its central 20 x 20
        - logits: (B, 2, 25, 25) for negative and positive
        - ltrb: (B, 4, 25, 25) distances to the left, top, right, bottom side, in px of the crop
    """

    has_size = True

    def __init__(self, channels: int, config: HeadConfig) -> None:
        super().__init__(channels, config)
        self.template_crop = config.template_crop
        self.classification = _tower(channels, outputs=2)
        self.regression = _tower(channels, outputs=4)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        last = self.regression[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(_AVERAGE_SIDE_DISTANCE_PX))

    def forward(self, x: Tensor, z: Tensor) -> Outputs:
        """Return ``{"logits": (B, 2, 25, 25), "ltrb": (B, 4, 25, 25)}``."""
        response = self.correlate(x, z).to(x.dtype)
        return {
            "logits": self.classification(response),
            "ltrb": self.regression(response).float().exp(),
        }

    def correlate(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the (B, C, 25, 25) response to the central part of the template map."""
        inside = slice(self.template_crop, z.shape[-1] - self.template_crop)
        return depthwise_correlation(x, z[:, :, inside, inside])

    def targets(
        self, boxes_xyxy: Tensor, positive: Tensor, *, center_ratio: float = 1.0
    ) -> CARTargets:
        """Return a mask of the cells in the target's box, and the distances to its sides."""
        cells = self.centers(boxes_xyxy)
        left, top, right, bottom = (side[:, None] for side in boxes_xyxy.unbind(1))  # (B, 1)
        inside_x = (cells - (left + right) / 2).abs() * 2 < center_ratio * (right - left)  # (B, n)
        inside_y = (cells - (top + bottom) / 2).abs() * 2 < center_ratio * (bottom - top)
        inside = inside_y[:, :, None] & inside_x[:, None, :]  # (B, n, n), rows are y
        shape = inside.shape
        distances = (
            (cells - left)[:, None, :].expand(shape),
            (cells - top)[:, :, None].expand(shape),
            (right - cells)[:, None, :].expand(shape),
            (bottom - cells)[:, :, None].expand(shape),
        )
        return CARTargets(inside & positive[:, None, None], torch.stack(distances, dim=1))

    def loss(
        self, outputs: Outputs, targets: CARTargets, *, counts: Tensor | None = None
    ) -> Losses:
        """Return cross entropy, IoU loss over the positive cells, and their sum."""
        positive = targets.positive
        counts = count_cells(positive) if counts is None else counts
        cells = F.cross_entropy(outputs["logits"].float(), positive.long(), reduction="none")
        classification = mean_of_halves(cells, positive, counts)
        # the where keeps the cells outside out of the logarithm, and out of the gradient
        inside = torch.where(positive[:, None], targets.ltrb.float(), 1.0)
        iou = ltrb_iou(outputs["ltrb"].float(), inside)  # (B, 25, 25)
        regression = torch.where(positive, -iou.log(), 0.0).sum() / counts[0].clamp(min=1)
        return {
            "loss": classification + regression,
            "classification": classification,
            "regression": regression,
        }

    def scores(self, outputs: Outputs) -> Tensor:
        """Return the logits of positive against negative."""
        return outputs["logits"][:, 1] - outputs["logits"][:, 0]

    def boxes(self, outputs: Outputs, true_boxes: Tensor) -> Tensor:
        """Return the boxes that the best cells propose."""
        rows, columns = best_cells(self.scores(outputs))
        pairs = torch.arange(len(rows), device=rows.device)
        return self.decode(outputs["ltrb"])[pairs, :, rows, columns]

    def decode(self, ltrb: Tensor) -> Tensor:
        """Return the (B, 4, 25, 25) boxes that the cells propose by their distances."""
        left, top, right, bottom = ltrb.unbind(1)
        cells = self.centers(ltrb)
        x, y = cells[None, :], cells[:, None]
        return torch.stack((x - left, y - top, x + right, y + bottom), dim=1)


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


def _tower(channels: int, *, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(channels // _GROUP_CHANNELS, channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(channels, outputs, 3, padding=1))
