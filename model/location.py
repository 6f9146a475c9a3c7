"""Where the cells of a head's map look, in px of the 255 px search crop.

The one function that labels, losses, decoding and the tracker share. Cell r of a map scores the
template's content at one offset; both branches have the same grid, so offset r at stride s stands
for the template's centre pixel (63) moved by s * r px, less what a cut took off its left side.
"""

import torch
from torch import Tensor

_TEMPLATE_CENTER_PX = 63

_GRIDS: dict[tuple[str, str], tuple[int, int]] = {
    # (backbone, head): cells when nothing is cut off the template map, stride in px
    ("dcffnet", "siamfc"): (23, 6),
    ("dcffnet", "car"): (23, 6),
    ("alexnet", "siamfc"): (17, 8),
}


def cell_locations(head: str, *, backbone: str = "dcffnet", template_crop: int = 1) -> Tensor:
    """Return (n,) float32 locations of the cells along one axis, in pixel-centre coordinates.

    Pixel j of the search crop has its centre at j here and at j + 0.5 in edge coordinates (boxes).
    The crop's centre pixel is 127; the maps are not symmetric around it (DCFFNet's mean is 129).

    Args:
        head: ``siamfc`` or ``car``.
        backbone: ``dcffnet`` or ``alexnet``.
        template_crop: The network's; only the CAR head cuts its template map.
    """
    cells, stride = _grid(head, backbone)
    cut = template_crop if head == "car" else 0
    return stride * torch.arange(-cut, cells + cut, dtype=torch.float32) + _TEMPLATE_CENTER_PX


def response_stride(head: str, *, backbone: str = "dcffnet") -> int:
    """Return the px of the search crop between two neighbouring cells."""
    return _grid(head, backbone)[1]


def _grid(head: str, backbone: str) -> tuple[int, int]:
    if (backbone, head) not in _GRIDS:
        raise ValueError(
            f"backbone {backbone!r} with head {head!r} has no map; use one of {sorted(_GRIDS)}"
        )
    return _GRIDS[backbone, head]
