"""Training stays finite at the paper's learning rate, in float32 and bf16."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.config import PRESETS, ModelConfig
from model.network import build_model
from tests.support.launch import finish, losses, start

NARROW = [
    replace(PRESETS["paper"], width=1 / 8),
    replace(PRESETS["aligned"], head="car", width=1 / 8),
]


def _pairs(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return templates, search crops that hold them somewhere, and the targets' boxes."""
    coarse = torch.rand(batch, 3, 32, 32, generator=generator) * 255
    x = torch.nn.functional.interpolate(coarse, size=255, mode="bilinear")
    target = torch.rand(batch, 3, 9, 9, generator=generator) * 255
    z = torch.nn.functional.interpolate(target, size=127, mode="bilinear")
    corners = torch.randint(34, 95, (batch, 2), generator=generator)
    for pair, (left, top) in enumerate(corners.tolist()):
        x[pair, :, top : top + 127, left : left + 127] = z[pair]
    centers = corners + 63.5
    boxes_xyxy = torch.cat((centers - 32, centers + 32), dim=1)
    z, x = (crops.permute(0, 2, 3, 1).to(torch.uint8) for crops in (z, x))
    return z, x, boxes_xyxy


def _first_losses(config: ModelConfig, *, bf16: bool) -> list[float]:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    network = build_model(config).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    positive = torch.ones(4, dtype=torch.bool)
    curve = []
    for _ in range(4):
        z, x, boxes_xyxy = _pairs(4, generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            outputs = network(z, x)
        loss = network.head.loss(outputs, network.head.targets(boxes_xyxy, positive))["loss"]
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        curve.append(loss.item())
    assert all(parameter.isfinite().all() for parameter in network.parameters())
    return curve


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("config", NARROW)
def test_first_steps_start_near_chance_and_go_down(config: ModelConfig, bf16: bool) -> None:
    curve = _first_losses(config, bf16=bf16)
    chance = {"siamfc": 0.69, "car": 0.69 + 1.0}[config.head]
    assert curve[0] == pytest.approx(chance, rel=0.5)
    assert max(curve) < 2 * chance


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("config", NARROW)
def test_a_thousand_steps_of_the_sample_world_stay_finite(
    config: ModelConfig, precision: str, sample_shards: Path, tmp_path: Path
) -> None:
    options = [
        "--recipe",
        "paper-pretrain",
        "--manifests",
        str(sample_shards / "vid/manifest.parquet"),
    ]
    for name, value in asdict(config).items():
        options += [f"--model.{name}", str(value)]
    options += ["--precision", precision, "--batch-size", "4", "--data.pairs-per-epoch", "4000"]
    options += ["--schedule.epochs", "1", "--schedule.rates", "0.01", "--data.val-pairs", "8"]
    options += ["--threads", "1", "--workers", "0", "--device", "cpu", "--tensorboard", "False"]
    # a loss that is not finite stops a run with exit code 1
    run = start([*options, "--out", str(tmp_path / "run")], log=tmp_path / "log")
    assert finish(run, seconds=1800) == [0], (tmp_path / "log.0").read_text()
    curve = losses(tmp_path / "run")
    assert len(curve) == 1000
    assert torch.tensor(curve).isfinite().all()
    assert sum(curve[-50:]) < 0.8 * sum(curve[:50])


@pytest.mark.parametrize("width", [1 / 8, 1.0])
def test_all_widths_start_near_log_2(width: float) -> None:
    torch.manual_seed(0)
    network = build_model(ModelConfig(width=width)).train()
    z, x, boxes_xyxy = _pairs(2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        targets = network.head.targets(boxes_xyxy, torch.ones(2).bool())
        loss = network.head.loss(network(z, x), targets)["loss"]
    assert 0.6 < loss.item() < 0.9
