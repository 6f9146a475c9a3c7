"""The losses: balance, counts of a spread batch, and the cases without positives."""

import math

import pytest
import torch
from torch import Tensor

from model.config import ModelConfig
from model.heads.base import count_cells
from model.heads.car import CARHead, CARTargets, ltrb_iou
from model.heads.siamfc import SiamFCHead, SiamFCTargets

car_loss = CARHead(8, ModelConfig(head="car")).loss


def siamfc_loss(
    outputs: dict[str, Tensor], labels: Tensor, *, counts: Tensor | None = None
) -> dict[str, Tensor]:
    targets = SiamFCTargets(labels.bool())
    return SiamFCHead(8, ModelConfig()).loss(outputs, targets, counts=counts)


def _labels(batch: int = 3, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(batch, 23, 23, generator=generator) < 0.05).float()


def _car_example(batch: int = 4) -> tuple[dict[str, Tensor], CARTargets]:
    generator = torch.Generator().manual_seed(0)
    outputs = {
        "logits": torch.randn(batch, 2, 25, 25, generator=generator).requires_grad_(),
        "ltrb": torch.rand(batch, 4, 25, 25, generator=generator).mul(60).add(1).requires_grad_(),
    }
    ltrb = torch.rand(batch, 4, 25, 25, generator=generator) * 60
    positive = torch.rand(batch, 25, 25, generator=generator) < 0.1
    return outputs, CARTargets(positive, ltrb)


def _slice(
    outputs: dict[str, Tensor], targets: CARTargets, part: slice
) -> tuple[dict[str, Tensor], CARTargets]:
    cut = {name: value[part] for name, value in outputs.items()}
    return cut, CARTargets(targets.positive[part], targets.ltrb[part])


def test_losses_of_a_silent_network_are_log_2() -> None:
    labels = _labels()
    loss = siamfc_loss({"response": torch.zeros(3, 23, 23)}, labels)["loss"]
    assert loss.item() == pytest.approx(math.log(2))
    outputs, targets = _car_example()
    losses = car_loss({**outputs, "logits": torch.zeros(4, 2, 25, 25)}, targets)
    assert losses["classification"].item() == pytest.approx(math.log(2))


def test_positives_and_negatives_weigh_half_each() -> None:
    response = torch.full((2, 23, 23), -50.0)
    labels = torch.zeros(2, 23, 23)
    labels[0, 3, 4] = 1.0  # exactly one positive, told as negative by the network
    assert siamfc_loss({"response": response}, labels)["loss"].item() == pytest.approx(25.0)
    assert siamfc_loss({"response": -response}, labels)["loss"].item() == pytest.approx(25.0)


def test_one_positive_cell_is_one_cell() -> None:
    outputs, targets = _car_example()
    positive = torch.zeros_like(targets.positive)
    positive[2, 7, 9] = True
    losses = car_loss(outputs, CARTargets(positive, targets.ltrb))
    iou = ltrb_iou(outputs["ltrb"], targets.ltrb)[2, 7, 9]
    assert losses["regression"].item() == pytest.approx(-math.log(iou.item()), rel=1e-5)
    own = torch.nn.functional.cross_entropy(outputs["logits"][2:3, :, 7, 9], torch.tensor([1]))
    others = losses["classification"] - own / 2
    assert 0 < others.item() < 2


def test_no_positive_gives_zero_regression_with_a_graph() -> None:
    outputs, targets = _car_example()
    losses = car_loss(outputs, CARTargets(torch.zeros_like(targets.positive), targets.ltrb))
    assert losses["regression"].item() == 0.0
    gradients = torch.autograd.grad(losses["loss"], (outputs["logits"], outputs["ltrb"]))
    assert gradients[0].abs().sum() > 0
    assert gradients[1].abs().sum() == 0


def test_exact_box_has_no_regression_loss() -> None:
    outputs, targets = _car_example()
    losses = car_loss({**outputs, "ltrb": targets.ltrb}, targets)
    assert losses["regression"].item() == pytest.approx(0.0, abs=1e-6)
    assert losses["loss"].item() == pytest.approx(
        (losses["classification"] + losses["regression"]).item()
    )


def test_cells_outside_the_box_take_no_part_in_the_regression() -> None:
    outputs, targets = _car_example()
    wild = torch.where(targets.positive[:, None], targets.ltrb, torch.tensor(-1e9))
    ours = car_loss(outputs, CARTargets(targets.positive, wild))["regression"]
    assert ours.item() == car_loss(outputs, targets)["regression"].item()
    (gradient,) = torch.autograd.grad(ours, outputs["ltrb"])
    assert torch.isfinite(gradient).all()
    assert (gradient.abs().sum(1) > 0).equal(targets.positive)


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    outputs, targets = _car_example()
    whole = car_loss(outputs, targets)
    counts = sum(count_cells(targets.positive[part]) for part in (slice(0, 1), slice(1, 4)))
    assert isinstance(counts, Tensor)
    parts = [
        car_loss(*_slice(outputs, targets, part), counts=counts)
        for part in (slice(0, 1), slice(1, 4))
    ]
    for name, value in whole.items():
        assert sum(part[name].item() for part in parts) == pytest.approx(value.item(), rel=1e-5)
    labels, response = _labels(), torch.randn(3, 23, 23)
    siamfc = siamfc_loss({"response": response}, labels)["loss"]
    split = [
        siamfc_loss({"response": response[p]}, labels[p], counts=count_cells(labels))["loss"]
        for p in (slice(0, 2), slice(2, 3))
    ]
    assert sum(part.item() for part in split) == pytest.approx(siamfc.item(), rel=1e-5)


def test_gradients_pass_gradcheck() -> None:
    outputs, targets = _car_example(batch=1)
    logits, ltrb = (outputs[name][..., 5:8, 5:8].detach().double() for name in ("logits", "ltrb"))
    cut = CARTargets(torch.eye(3, dtype=torch.bool)[None], targets.ltrb[..., 5:8, 5:8].double())

    def loss(logits: Tensor, ltrb: Tensor) -> Tensor:
        return car_loss({"logits": logits, "ltrb": ltrb}, cut)["loss"]

    # the loss sums in float32, hence the coarse tolerances
    assert torch.autograd.gradcheck(
        loss, (logits.requires_grad_(), ltrb.requires_grad_()), eps=1e-2, atol=1e-3, rtol=1e-2
    )


def test_iou_equals_that_of_the_boxes() -> None:
    predicted, target = torch.tensor([[10.0, 20, 30, 40]]), torch.tensor([[20.0, 10, 30, 20]])
    # boxes (-10, -20, 30, 40) and (-20, -10, 30, 20): overlap 40 x 30, areas 2400 and 1500
    assert ltrb_iou(predicted, target).item() == pytest.approx(1200 / (2400 + 1500 - 1200))


def test_bfloat16_outputs_are_summed_in_float32() -> None:
    response = torch.randn(3, 23, 23).bfloat16()
    loss = siamfc_loss({"response": response}, _labels())["loss"]
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, siamfc_loss({"response": response.float()}, _labels())["loss"])
