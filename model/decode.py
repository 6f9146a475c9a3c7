"""From the distances that the CAR head predicts to boxes."""

import torch
from torch import Tensor

from model.location import cell_locations


def decode_boxes(ltrb: Tensor) -> Tensor:
    """Return (B, 4, 25, 25) left, top, right, bottom in edge coordinates of the search crop.

    Args:
        ltrb: (B, 4, 25, 25) distances from each cell's location to the box's sides, in px.
    """
    left, top, right, bottom = ltrb.unbind(1)
    uncut = len(cell_locations("car", template_crop=0))
    crop = (ltrb.shape[-1] - uncut) // 2  # each cell cut off the template map adds one on each side
    x, y = cell_centers(ltrb, template_crop=crop)
    return torch.stack((x - left, y - top, x + right, y + bottom), dim=1)


def cell_centers(like: Tensor, *, template_crop: int = 1) -> tuple[Tensor, Tensor]:
    """Return (1, n) x and (n, 1) y of the CAR head's cells in edge coordinates of the crop.

    Args:
        like: Tensor that gives device and floating dtype.
        template_crop: The network's.
    """
    edge = cell_locations("car", template_crop=template_crop).to(like) + 0.5
    return edge[None, :], edge[:, None]
