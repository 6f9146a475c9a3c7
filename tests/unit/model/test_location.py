"""Where cells look: the formula equals what a coordinate ramp sent through the network shows."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.heads import HEADS
from model.heads.car import CARHead
from model.network import Network, build_model

GRIDS = [
    # backbone, head, cells cut off the template map, cells, stride, first location
    ("dcffnet", "siamfc", 1, 23, 6, 63),
    ("dcffnet", "car", 1, 25, 6, 57),
    ("dcffnet", "car", 0, 23, 6, 63),
    ("dcffnet", "car", 3, 29, 6, 45),
    ("alexnet", "siamfc", 1, 17, 8, 63),
]


def _averaging_network(backbone: Any, head: Any, crop: int) -> Network:
    config = ModelConfig(
        backbone=backbone, head=head, variant="baseline", template_crop=crop, width=1 / 8
    )
    network = build_model(config).double().eval()
    for module in network.backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def _maps(network: Network, ramp: bool) -> tuple[Tensor, Tensor]:
    """Return one channel of the template's and the search crop's maps, for a ramp or for ones."""
    crops = []
    for size in (127, 255):
        columns = torch.arange(size, dtype=torch.float64) if ramp else torch.ones(size).double()
        crops.append(columns.expand(1, 3, size, size))
    features = network.template(crops[0])
    return features[-1], network.backbone.search(crops[1], features)


@pytest.mark.parametrize(("backbone", "head", "crop", "cells", "stride", "first"), GRIDS)
def test_locations_are_where_a_coordinate_ramp_says(
    backbone: str, head: str, crop: int, cells: int, stride: int, first: int
) -> None:
    network = _averaging_network(backbone, head, crop)
    with torch.no_grad():
        z, x = (
            ramp / ones  # px in the crop at which a cell looks
            for ramp, ones in zip(_maps(network, True), _maps(network, False), strict=True)
        )
        middle = z.shape[-1] // 2
        delta = torch.zeros_like(z)
        delta[:, 0, middle, middle] = 1.0
        # response r of a delta at the middle is the search cell that lies on it at offset r
        correlate: Any = network.head.correlate
        position = correlate(x, delta)[0, 0, 0]
    found = position - z[0, 0, middle, middle] + 63  # 63: the template's centre pixel
    margin = max(1, crop)  # the outermost offsets reach cells that see the padding
    inside = slice(margin, -margin)
    expected = network.head.locations.double()
    assert expected.shape == (cells,)
    torch.testing.assert_close(found[inside], expected[inside], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("backbone", "head", "crop", "cells", "stride", "first"), GRIDS)
def test_locations_are_the_published_ones(
    backbone: str, head: str, crop: int, cells: int, stride: int, first: int
) -> None:
    config = ModelConfig(
        backbone=backbone,  # type: ignore[arg-type]
        head=head,
        variant="baseline",
        template_crop=crop,
    )
    locations = HEADS[head](8, config).locations
    assert locations.dtype == torch.float32
    assert locations.tolist() == [stride * r + first for r in range(cells)]


def test_decoded_boxes_are_the_boxes_that_gave_the_distances() -> None:
    boxes_xyxy = torch.tensor([[90.0, 100.5, 160.25, 171.0], [120.0, 80.0, 130.0, 200.0]])
    head = CARHead(8, ModelConfig(head="car"))
    cells = head.centers(boxes_xyxy)
    x, y = cells[None, :], cells[:, None]
    left, top, right, bottom = boxes_xyxy[:, :, None, None].unbind(1)
    sides = [x - left, y - top, right - x, bottom - y]
    ltrb = torch.stack([side.expand(2, 25, 25) for side in sides], dim=1)
    expected = boxes_xyxy[:, :, None, None].expand(2, 4, 25, 25)
    torch.testing.assert_close(head.decode(ltrb), expected)


def test_cells_are_at_pixel_centers_in_edge_coordinates() -> None:
    centers = CARHead(8, ModelConfig(head="car")).centers(torch.zeros(()))
    assert centers.shape == (25,)
    assert centers[0] == 57.5
