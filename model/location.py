"""Where the cells of a head's map look, in px of the 255 px search crop.

The one function that labels, losses, decoding and the tracker share. Cell r of a map scores the
template's content at one offset; both branches have the same grid, so offset r at stride s stands
for the template's centre pixel (63) moved by s * r px, less what a cut took off its left side.
"""

import torch
from torch import Tensor

_TEMPLATE_CENTER_PX = 63

_GRIDS: dict[tuple[str, str], tuple[int, int, int]] = {
    # (backbone, head): cells, stride in px, template cells cut off on each side
    ("dcffnet", "siamfc"): (23, 6, 0),
    ("dcffnet", "car"): (25, 6, 1),
    ("alexnet", "siamfc"): (17, 8, 0),
}


def cell_locations(head: str, *, backbone: str = "dcffnet") -> Tensor:
    """Return (n,) float32 locations of the cells along one axis, in pixel-centre coordinates.

    Pixel j of the search crop has its centre at j here and at j + 0.5 in edge coordinates (boxes).
    The crop's centre pixel is 127; the maps are not symmetric around it (DCFFNet's mean is 129).
    """
    cells, stride, cut = _grid(head, backbone)
    return stride * (torch.arange(cells, dtype=torch.float32) - cut) + _TEMPLATE_CENTER_PX


def response_stride(head: str, *, backbone: str = "dcffnet") -> int:
    """Return the px of the search crop between two neighbouring cells."""
    return _grid(head, backbone)[1]


def _grid(head: str, backbone: str) -> tuple[int, int, int]:
    if (backbone, head) not in _GRIDS:
        raise ValueError(
            f"backbone {backbone!r} with head {head!r} has no map; use one of {sorted(_GRIDS)}"
        )
    return _GRIDS[backbone, head]
