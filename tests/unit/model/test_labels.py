"""Labels: which cells are positive, and how far they are from the sides of the box."""

import pytest
import torch
from torch import Tensor

from model.config import ModelConfig
from model.heads.car import CARHead
from model.heads.siamfc import SiamFCHead
from model.location import cell_locations

CENTERED = torch.tensor([[96.0, 112.0, 159.0, 143.0]])  # centre (127.5, 127.5)
YES = torch.tensor([True])
ALEXNET = ModelConfig(backbone="alexnet", variant="baseline")


def siamfc_labels(boxes: Tensor, positive: Tensor, config: ModelConfig | None = None) -> Tensor:
    return SiamFCHead(8, config or ModelConfig()).targets(boxes, positive).positive


def car_head(crop: int = 1) -> CARHead:
    return CARHead(8, ModelConfig(head="car", template_crop=crop))


def test_similarity_labels_are_one_within_the_radius_and_zero_elsewhere() -> None:
    boxes = CENTERED + torch.tensor([[13.0, -29.0, 13.0, -29.0]])
    labels = siamfc_labels(boxes, YES)[0]
    cells = cell_locations() + 0.5
    for row, y in enumerate(cells.tolist()):
        for column, x in enumerate(cells.tolist()):
            near = (x - 140.5) ** 2 + (y - 98.5) ** 2 <= 16**2
            assert labels[row, column] == near


def test_similarity_labels_have_the_size_of_each_backbones_map() -> None:
    assert siamfc_labels(CENTERED, YES).shape == (1, 23, 23)
    assert siamfc_labels(CENTERED, YES, ALEXNET).shape == (1, 17, 17)


def test_similarity_labels_move_with_the_target_by_whole_cells() -> None:
    moved = siamfc_labels(CENTERED + 6.0 * torch.tensor([[2.0, -3.0, 2.0, -3.0]]), YES)
    assert torch.equal(moved, siamfc_labels(CENTERED, YES).roll((-3, 2), dims=(1, 2)))


def test_a_cell_is_positive_where_all_four_distances_are_positive() -> None:
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand((50, 2), generator=generator) * 150
    boxes = torch.cat([corner, corner + torch.rand((50, 2), generator=generator) * 100], dim=1)
    targets = car_head().targets(boxes, torch.ones(50, dtype=torch.bool))
    assert targets.positive.shape == (50, 25, 25)
    assert targets.ltrb.shape == (50, 4, 25, 25)
    assert torch.equal(targets.positive, (targets.ltrb > 1e-4).all(dim=1))


@pytest.mark.parametrize("crop", [0, 1, 3])
def test_distances_decode_to_the_box_from_every_cell(crop: int) -> None:
    targets = car_head(crop).targets(CENTERED, YES)
    assert targets.ltrb.shape[-1] == 44 - (22 - 2 * crop) + 1
    boxes = car_head(crop).decode(targets.ltrb)
    torch.testing.assert_close(boxes, CENTERED[:, :, None, None].expand_as(boxes))


@pytest.mark.parametrize("ratio", [0.4, 1.0])
def test_center_ratio_shrinks_the_positive_region(ratio: float) -> None:
    cells = cell_locations(cut=1) + 0.5
    wide = ((cells - 127.5).abs() < ratio * 63 / 2).sum()
    high = ((cells - 127.5).abs() < ratio * 31 / 2).sum()
    assert car_head().targets(CENTERED, YES, center_ratio=ratio).positive.sum() == wide * high


def test_a_negative_pair_has_no_positive_cell() -> None:
    no = torch.tensor([False])
    assert siamfc_labels(CENTERED, no).sum() == 0
    assert car_head().targets(CENTERED, no).positive.sum() == 0
