"""Labels: which cells are positive, and how far they are from the sides of the box."""

import pytest
import torch

from model.decode import decode_boxes
from model.location import cell_locations
from sampling.labels import car_targets, siamfc_labels

CENTERED = torch.tensor([[96.0, 112.0, 159.0, 143.0]])  # centre (127.5, 127.5)
YES = torch.tensor([True])


def test_similarity_labels_are_one_within_the_radius_and_zero_elsewhere() -> None:
    boxes = CENTERED + torch.tensor([[13.0, -29.0, 13.0, -29.0]])
    labels = siamfc_labels(boxes, YES)[0]
    cells = cell_locations("siamfc") + 0.5
    for row, y in enumerate(cells.tolist()):
        for column, x in enumerate(cells.tolist()):
            near = (x - 140.5) ** 2 + (y - 98.5) ** 2 <= 16**2
            assert labels[row, column] == near


def test_similarity_labels_have_the_size_of_each_backbones_map() -> None:
    assert siamfc_labels(CENTERED, YES).shape == (1, 23, 23)
    assert siamfc_labels(CENTERED, YES, backbone="alexnet").shape == (1, 17, 17)


def test_similarity_labels_move_with_the_target_by_whole_cells() -> None:
    moved = siamfc_labels(CENTERED + 6.0 * torch.tensor([[2.0, -3.0, 2.0, -3.0]]), YES)
    assert torch.equal(moved, siamfc_labels(CENTERED, YES).roll((-3, 2), dims=(1, 2)))


def test_a_cell_is_positive_where_all_four_distances_are_positive() -> None:
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand((50, 2), generator=generator) * 150
    boxes = torch.cat([corner, corner + torch.rand((50, 2), generator=generator) * 100], dim=1)
    targets = car_targets(boxes, torch.ones(50, dtype=torch.bool))
    assert targets.positive.shape == (50, 25, 25)
    assert targets.ltrb.shape == (50, 4, 25, 25)
    assert torch.equal(targets.positive, (targets.ltrb > 1e-4).all(dim=1))


@pytest.mark.parametrize("crop", [0, 1, 3])
def test_distances_decode_to_the_box_from_every_cell(crop: int) -> None:
    targets = car_targets(CENTERED, YES, template_crop=crop)
    assert targets.ltrb.shape[-1] == 44 - (22 - 2 * crop) + 1
    boxes = decode_boxes(targets.ltrb)
    torch.testing.assert_close(boxes, CENTERED[:, :, None, None].expand_as(boxes))


@pytest.mark.parametrize("ratio", [0.4, 1.0])
def test_center_ratio_shrinks_the_positive_region(ratio: float) -> None:
    cells = cell_locations("car") + 0.5
    wide = ((cells - 127.5).abs() < ratio * 63 / 2).sum()
    high = ((cells - 127.5).abs() < ratio * 31 / 2).sum()
    assert car_targets(CENTERED, YES, center_ratio=ratio).positive.sum() == wide * high


def test_a_negative_pair_has_no_positive_cell() -> None:
    no = torch.tensor([False])
    assert siamfc_labels(CENTERED, no).sum() == 0
    assert car_targets(CENTERED, no).positive.sum() == 0
