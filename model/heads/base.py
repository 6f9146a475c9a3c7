"""The interface of a head, and functions that several heads share.

n is the number of cells along a side of the head's map. Boxes are left, top, right, bottom in px of
the search crop, in edge coordinates.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from model.location import cell_locations

Outputs = dict[str, Tensor]
Losses = dict[str, Tensor]
"""Named scalars with the total under ``"loss"``."""


class HeadConfig(Protocol):
    """The fields of `model.config.ModelConfig` that heads read."""

    @property
    def backbone(self) -> str:
        """Name of the backbone, which decides the grid of the map."""
        ...

    @property
    def template_crop(self) -> int:
        """Cells that the car head cuts off each side of the template map."""
        ...


class Targets(Protocol):
    """The desired outputs of a head for a batch."""

    @property
    def positive(self) -> Tensor:
        """(B, n, n) bool, True for the cells of the target."""
        ...


class Head(nn.Module, ABC):
    """A head: a module on the features of both branches, and the meaning of its outputs.

    Args:
        channels: Channels of both maps.
        config: Options of the network.

    Shape:
        - x: (B, C, H, H) search map
        - z: (B, C, h, h) template map, or (1, C, h, h)
    """

    has_size: ClassVar[bool]
    """Whether the head predicts sizes; else its boxes have the true ones."""
    template_crop = 0
    """Cells cut off each side of the template map."""

    def __init__(self, channels: int, config: HeadConfig) -> None:
        super().__init__()
        self.backbone = config.backbone

    @property
    def locations(self) -> Tensor:
        """(n,) locations of the cells along an axis, see `model.location.cell_locations`."""
        return cell_locations(self.backbone, cut=self.template_crop)

    def centers(self, like: Tensor) -> Tensor:
        """Return the (n,) locations in edge coordinates, with device and dtype of a tensor."""
        return self.locations.to(like) + 0.5

    @abstractmethod
    def forward(self, x: Tensor, z: Tensor) -> Outputs:
        """Return the outputs for search maps and the maps of their templates."""

    @abstractmethod
    def targets(
        self, boxes_xyxy: Tensor, positive: Tensor, *, center_ratio: float = 1.0
    ) -> Targets:
        """Return the targets of a batch.

        Args:
            boxes_xyxy: (B, 4) true boxes.
            positive: (B,) bool; a negative pair has no positive cell.
            center_ratio: Share of the box, around its centre, whose cells are positive, for heads
                whose positive cells depend on the target's size. 1 is the paper's, 0.4 that of
                SiamCAR's code.
        """

    @abstractmethod
    def loss(self, outputs: Outputs, targets: Any, *, counts: Tensor | None = None) -> Losses:
        """Return the loss and its parts.

        Args:
            outputs: Of the batch.
            targets: From `targets`.
            counts: ``count_cells`` of the global batch, if this batch is a part of it. The losses
                of all parts then add up to that of the whole.
        """

    @abstractmethod
    def scores(self, outputs: Outputs) -> Tensor:
        """Return (B, n, n) scores, higher where the target is more likely."""

    @abstractmethod
    def boxes(self, outputs: Outputs, true_boxes: Tensor) -> Tensor:
        """Return the (B, 4) predicted boxes.

        Args:
            outputs: Of the batch.
            true_boxes: (B, 4), whose sizes a head takes that predicts none.
        """


def count_cells(positive: Tensor) -> Tensor:
    """Return (2,) float: the number of positive and of negative cells.

    Args:
        positive: (B, n, n) labels of cells, bool or 0 and 1.
    """
    num_positive = positive.sum(dtype=torch.float32)
    return torch.stack((num_positive, positive.numel() - num_positive))


def mean_of_halves(cells: Tensor, positive: Tensor, counts: Tensor | None) -> Tensor:
    """Return the mean of the losses of cells, in which both kinds of cells weigh half.

    Args:
        cells: (B, n, n) losses.
        positive: (B, n, n) bool.
        counts: As in `Head.loss`.
    """
    counts = count_cells(positive) if counts is None else counts
    weights = torch.where(positive, 0.5 / counts[0].clamp(min=1), 0.5 / counts[1].clamp(min=1))
    return (weights * cells).sum()


def best_cells(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B,) row and (B,) column of the highest score of each (B, n, n) map."""
    best = scores.flatten(1).argmax(dim=1)
    return best // scores.shape[2], best % scores.shape[2]
