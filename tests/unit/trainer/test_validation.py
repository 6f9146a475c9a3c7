"""Measures of validation, against plain definitions."""

import pytest
import torch

from model.config import ModelConfig
from model.heads import HEADS
from model.heads.car import CARHead
from trainer.validation.validate import roc_auc


def test_auc_is_the_share_of_cell_pairs_in_the_right_order() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 6, (3, 5, 5), generator=generator).float()  # with many ties
    positive = torch.rand(3, 5, 5, generator=generator) < 0.3
    for pair in range(3):
        inside, outside = scores[pair][positive[pair]], scores[pair][~positive[pair]]
        shift = inside[:, None] - outside[None, :]
        expected = ((shift > 0).double() + 0.5 * (shift == 0)).mean()
        torch.testing.assert_close(roc_auc(scores, positive)[pair], expected)


def test_auc_without_positive_cells_is_undefined() -> None:
    assert roc_auc(torch.rand(1, 5, 5), torch.zeros(1, 5, 5, dtype=torch.bool)).isnan().all()


@pytest.mark.parametrize(("backbone", "variant"), [("dcffnet", "double"), ("alexnet", "baseline")])
def test_siamfc_predicts_the_true_box_where_the_response_peaks_at_it(
    backbone: str, variant: str
) -> None:
    config = ModelConfig(backbone=backbone, variant=variant)  # type: ignore[arg-type]
    head = HEADS["siamfc"](8, config)
    boxes = torch.tensor([[100.0, 80.0, 160.0, 110.0], [90.0, 110.0, 120.0, 180.0]])
    labels = head.targets(boxes, torch.tensor([True, True])).positive.float()
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    predicted = head.boxes({"response": labels}, boxes)
    shift = (predicted[:, :2] + predicted[:, 2:]) / 2 - centers
    assert shift.norm(dim=1).max() <= 16
    torch.testing.assert_close(predicted[:, 2:] - predicted[:, :2], boxes[:, 2:] - boxes[:, :2])


def test_car_predicts_the_true_box_from_its_own_targets() -> None:
    head = CARHead(8, ModelConfig(head="car"))
    boxes = torch.tensor([[100.0, 80.0, 160.0, 110.0]])
    targets = head.targets(boxes, torch.tensor([True]))
    logits = torch.stack([~targets.positive, targets.positive], dim=1).float()
    outputs = {"logits": logits, "ltrb": targets.ltrb}
    torch.testing.assert_close(head.boxes(outputs, boxes), boxes)
