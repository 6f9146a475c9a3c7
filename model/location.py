"""Grids of the backbones: where the cells of a head's map look, in px of the 255 px search crop.

Labels, losses, decoding and the tracker share this function. Cell r of a map scores the template's
content at one offset. Both branches have the same grid, so offset r at stride s stands for the
template's centre pixel (63) moved by s * r px, less the cells cut off its left side.
"""

from typing import NamedTuple

import torch
from torch import Tensor

_TEMPLATE_CENTER_PX = 63


class Grid(NamedTuple):
    """Offsets of the template map in the search map of a backbone."""

    cells: int
    """Number of offsets along an axis when nothing is cut off the template map."""
    stride: int
    """Distance of neighbouring cells in px."""


GRIDS = {"dcffnet": Grid(cells=23, stride=6), "alexnet": Grid(cells=17, stride=8)}
"""By ``ModelConfig.backbone``."""


def cell_locations(backbone: str = "dcffnet", *, cut: int = 0) -> Tensor:
    """Return (n,) float32 locations of the cells along one axis, in pixel-centre coordinates.

    Pixel j of the search crop has its centre at j here and at j + 0.5 in edge coordinates (boxes).
    The crop's centre pixel is 127; the maps are not symmetric around it (DCFFNet's mean is 129).

    Args:
        backbone: ``dcffnet`` or ``alexnet``.
        cut: Cells that the head cuts off each side of the template map.
    """
    cells, stride = GRIDS[backbone]
    return stride * torch.arange(-cut, cells + cut, dtype=torch.float32) + _TEMPLATE_CENTER_PX
