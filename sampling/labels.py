"""Labels of a batch, made on the device from the boxes in the search crops."""

import torch
from torch import Tensor

from model.location import cell_locations
from model.losses import CARTargets


def siamfc_labels(
    boxes_xyxy: Tensor, positive: Tensor, *, radius_px: float = 16.0, backbone: str = "dcffnet"
) -> Tensor:
    """Return (B, n, n) float labels of the similarity map: 1 near the target's centre, else 0.

    Args:
        boxes_xyxy: (B, 4) left, top, right, bottom in px of the search crop, edge coordinates.
        positive: (B,) bool; a negative pair has no positive cell.
        radius_px: Largest distance of a positive cell from the target's centre.
        backbone: The network's backbone, which decides where its cells look.
    """
    # in edge coordinates: pixel j's centre is at j + 0.5
    cells = cell_locations("siamfc", backbone=backbone).to(boxes_xyxy) + 0.5
    left, top, right, bottom = boxes_xyxy.unbind(1)
    shift_x = cells - ((left + right) / 2)[:, None]  # (B, n)
    shift_y = cells - ((top + bottom) / 2)[:, None]
    distance = torch.hypot(shift_x[:, None, :], shift_y[:, :, None])  # (B, n, n), rows are y
    return ((distance <= radius_px) & positive[:, None, None]).to(boxes_xyxy.dtype)


def car_targets(
    boxes_xyxy: Tensor, positive: Tensor, *, center_ratio: float = 1.0, template_crop: int = 1
) -> CARTargets:
    """Return which cells lie in the target's box, and each cell's distances to its sides.

    Args:
        boxes_xyxy: (B, 4) left, top, right, bottom in px of the search crop, edge coordinates.
        positive: (B,) bool; a negative pair has no positive cell.
        center_ratio: Share of the box, around its centre, whose cells are positive. 1 is the
            paper's; SiamCAR's code uses 0.4.
        template_crop: The network's, which decides how many cells there are.
    """
    cells = cell_locations("car", template_crop=template_crop).to(boxes_xyxy) + 0.5
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
