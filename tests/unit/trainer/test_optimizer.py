"""Optimizer, clipping, the trunk's rate and the average of the weights, each against its rule."""

from typing import Any

import pytest
import torch
from torch import Tensor

from model.config import ModelConfig
from model.network import build_model
from trainer.config import TrainConfig
from trainer.distributed import Ranks
from trainer.dry_run import make_noise
from trainer.learning.average import WeightAverage
from trainer.learning.learner import Learner
from trainer.learning.optimizer import clip_gradients, make_optimizer
from trainer.loop import train_step
from trainer.schedule import ScheduleConfig
from trainer.setup import make_learner

CAR = ModelConfig(width=0.02, head="car", gain=0.1)


def stage_2(**options: Any) -> Learner:
    config = TrainConfig(stage="finetune", model=CAR, **options)
    return make_learner(config, Ranks(), torch.device("cpu"))


def state_of(learner: Learner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in learner.network.state_dict().items()}


def test_sgd_is_plain_sgd_over_all_trained_parameters() -> None:
    config = TrainConfig(schedule=ScheduleConfig(rates=(0.3,), momentum=0.5, weight_decay=0.2))
    network = build_model(ModelConfig(width=0.02, gain=0.1))
    optimizer = make_optimizer(network, config)
    assert isinstance(optimizer, torch.optim.SGD)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.3, 0.5, 0.2)
    assert list(map(id, group["params"])) == list(map(id, network.parameters()))


def test_adamw_decays_filters_only() -> None:
    config = TrainConfig(optimizer="adamw", schedule=ScheduleConfig(weight_decay=0.2))
    network = build_model(ModelConfig(width=0.02, gain=0.1))
    optimizer = make_optimizer(network, config)
    assert isinstance(optimizer, torch.optim.AdamW)
    decay = {
        id(parameter): group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, torch.nn.BatchNorm2d)
            expected = 0.0 if is_norm or name == "bias" or parameter.ndim <= 1 else 0.2
            assert decay[id(parameter)] == expected, (module, name)
    assert len(decay) == len(list(network.parameters()))


@pytest.mark.parametrize("limit", [0.0, 0.5, 100.0])
def test_clipping_leaves_the_direction_and_the_norm_asked_for(limit: float) -> None:
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((3, 4), (5,))]
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape)
    before = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    clip_gradients(parameters, norm=float(before.norm()), limit=limit)
    after = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    if limit == 0.5:
        torch.testing.assert_close(after, before * 0.5 / before.norm())
    else:
        assert after.equal(before)


def test_a_step_is_clipped_by_the_norm_that_it_reports() -> None:
    moved = []
    for clip_norm in (0.0, 0.01):
        schedule = ScheduleConfig(weight_decay=0.0, momentum=0.0)
        learner = stage_2(clip_norm=clip_norm, schedule=schedule)
        learner.network.train()
        before = [p.detach().clone() for p in learner.network.trainable_parameters()]
        norm = train_step(learner, make_noise(2, seed=0), rate=0.1)["gradient_norm"]
        pairs = zip(learner.network.trainable_parameters(), before, strict=True)
        moved.append(torch.cat([(p.detach() - b).flatten() for p, b in pairs]).norm().item())
    assert norm > 0.01
    assert moved == pytest.approx([0.1 * norm, 0.1 * 0.01], rel=1e-3)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_trunk_moves_at_its_share_of_the_rate(optimizer: str) -> None:
    moved: dict[float, dict[str, Tensor]] = {}
    for trunk_rate in (1.0, 0.1, 0.0):
        schedule = ScheduleConfig(weight_decay=0.0)
        learner = stage_2(trunk_rate=trunk_rate, optimizer=optimizer, schedule=schedule)
        learner.network.train()
        before = state_of(learner)
        train_step(learner, make_noise(2, seed=0), rate=0.01)
        after = state_of(learner)
        moved[trunk_rate] = {name: after[name].double() - before[name].double() for name in after}
    trunk = {
        name
        for name in moved[1.0]
        if name.startswith("backbone.") and not name.startswith("backbone.tail.")
    }
    weights = {name for name, _ in stage_2().network.named_parameters()}
    for name in trunk:
        assert not moved[0.0][name].any(), name  # frozen, BatchNorm's statistics too
        factor = 0.1 if name in weights else 1.0
        torch.testing.assert_close(
            moved[0.1][name], factor * moved[1.0][name], rtol=1e-2, atol=2e-7
        )
    assert any(moved[0.1][name].any() for name in trunk if name.endswith("running_mean"))
    head = next(name for name in weights if name.startswith("head."))
    torch.testing.assert_close(moved[0.1][head], moved[1.0][head])


def test_the_average_is_the_weighted_sum_of_all_weights_so_far() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)).double()
    average = WeightAverage(network, 0.9)
    expected = {name: value.double().clone() for name, value in network.state_dict().items()}
    for step in range(1, 150):
        network(torch.randn(2, 1, 3, 3).double())
        for parameter in network.parameters():
            parameter.data += torch.randn(parameter.shape)
        average.update(step)
        keep = min(0.9, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            expected[name] = keep * expected[name] + (1 - keep) * value
    expected["1.num_batches_tracked"] = torch.tensor(149).double()
    for name, value in average.tensors.items():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-12, atol=1e-12)


def test_the_average_is_in_the_network_while_in_use_and_the_own_weights_after() -> None:
    network = torch.nn.BatchNorm2d(3)
    average = WeightAverage(network, 0.5)
    network(torch.randn(2, 3, 4, 4))
    own = {name: value.clone() for name, value in network.state_dict().items()}
    with average.in_use():
        assert network.running_mean is not None
        assert not network.running_mean.any()
    assert all(value.equal(own[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ema": 1.0}, "--ema 1.0"),
        ({"clip_norm": -1.0}, "--clip-norm -1.0"),
        ({"trunk_rate": 0.1}, "above 0 only in --stage finetune"),
        (
            {"stage": "finetune", "model": ModelConfig(backbone="alexnet", variant="baseline")},
            "trunk",
        ),
    ],
)
def test_settings_that_cannot_work_are_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainConfig(**options)
