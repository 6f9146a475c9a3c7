"""Checks of a device's results: against float64, against the CPU, and over many steps."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.findings import Target
from bench.network_cases import USES
from bench.train.stages import Stage
from evaluation.speed import time_parts
from model.config import ModelConfig
from model.correlation import cross_correlation, depthwise_correlation
from model.network import build_model
from sampling.batch import PairBatch
from tracking.crop_network import Precision
from tracking.tracker import Tracker
from trainer.config import DataConfig, TrainConfig
from trainer.distributed import Ranks
from trainer.dry_run import make_noise
from trainer.learning.learner import Learner
from trainer.loop import train_step
from trainer.setup import make_learner

_STAGES: tuple[tuple[Stage, str, float], ...] = (
    ("pretrain", "siamfc", 0.01),
    ("finetune", "car", 0.001),
)
_NUM_BATCHES = 5
_WARM_UP = 5
_MOST_ERROR = 1e-5
_MOST_STEP_DIFFERENCE = 1e-3
_LEAST_FRAMES_S: dict[Precision, float] = {"float32": 450.0, "bf16": 600.0}


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the checks are."""

    width: float = 1.0
    """Width of the networks; channels of the correlations in proportion."""
    step_pairs: int = 4
    """Pairs of the first step, which the CPU takes too."""
    pairs: int = 72
    """Pairs of many steps."""
    steps: int = 50
    """Number of these."""
    frames: int = 200
    """Frames to track."""
    compile: bool = True
    """Whether many steps are compiled."""


TINY = Size(width=0.02, step_pairs=2, pairs=2, steps=3, frames=10, compile=False)


def check_correlations(device: torch.device, size: Size) -> list[Target]:
    """Compare response and gradients of each use's correlation with those in float64."""
    targets = []
    for use, (channels, search, template, summed) in USES.items():
        channels = max(int(channels * size.width), 1)
        generator = torch.Generator().manual_seed(0)
        x, z = (
            torch.randn(2, channels, cells, cells, generator=generator)
            for cells in (search, template)
        )
        form = cross_correlation if summed else depthwise_correlation
        exact = _with_gradients(form, x.double(), z.double())
        found = _with_gradients(form, x.to(device), z.to(device))
        pairs = zip(found, exact, strict=True)
        error = max(float((ours - true).norm() / true.norm()) for ours, true in pairs)
        targets.append(_at_most(f"{use}: relative error beside float64", error, _MOST_ERROR))
    return targets


def check_first_step(device: torch.device, size: Size) -> list[Target]:
    """Compare loss and gradient norm of the first step of each stage with the CPU's."""
    targets = []
    for stage, head, rate in _STAGES:
        ours, cpu = (
            train_step(
                _learner(stage, head, where, size, size.step_pairs, compile=False),
                _noise(size.step_pairs, seed=0),
                rate=rate,
            )
            for where in (device, torch.device("cpu"))
        )
        for part in ("loss", "gradient_norm"):
            difference = abs(ours[part] - cpu[part]) / abs(cpu[part])
            name = f"{stage}: first step, {part} beside the CPU's"
            targets.append(_at_most(name, difference, _MOST_STEP_DIFFERENCE))
    return targets


def check_many_steps(device: torch.device, size: Size) -> list[Target]:
    """Compare the losses of compiled bf16 with eager float32, and these with another seed's."""
    targets = []
    for stage, head, rate in _STAGES:

        def losses(stage: Stage = stage, head: str = head, rate: float = rate, **way: Any) -> Any:
            learner = _learner(stage, head, device, size, size.pairs, **way)
            batches = [_noise(size.pairs, seed=seed).to(device) for seed in range(_NUM_BATCHES)]
            steps = (batches[step % _NUM_BATCHES] for step in range(size.steps))
            return [train_step(learner, batch, rate=rate)["loss"] for batch in steps]

        exact, other = (losses(compile=False, seed=seed) for seed in (0, 1))
        fast = losses(
            compile=size.compile, precision="bf16", channels_last=stage == "pretrain", seed=0
        )
        name = f"{stage}: {size.steps} steps in bf16, mean difference of loss from float32"
        targets.append(_at_most(name, _apart(fast, exact), _apart(other, exact)))
    return targets


def check_tracker(device: torch.device, size: Size) -> list[Target]:
    """Time tracked frames of 1280x720, crop to box, with random weights."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (720, 1280, 3), dtype=np.uint8) for _ in range(8)]
    frames = [images[number % len(images)] for number in range(size.frames)]
    targets = []
    for precision, least in _LEAST_FRAMES_S.items():
        network = build_model(ModelConfig(width=size.width, head="car")).to(device)
        tracker = Tracker(network, precision=precision)
        seconds = time_parts(tracker, frames, np.array([100.0, 100.0, 60.0, 80.0]))[_WARM_UP:]
        rate = 1 / float(np.median(seconds[:, -1]))
        name = f"tracker, 1280x720, {precision}"
        targets.append(Target(name=name, value=rate, unit="frames/s", target=least))
    return targets


def _with_gradients(form: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor) -> list[Tensor]:
    x, z = x.requires_grad_(), z.requires_grad_()
    response = form(x, z)
    weights = torch.linspace(-1, 1, response.numel(), dtype=x.dtype, device=x.device)
    gradients = torch.autograd.grad((response * weights.view_as(response)).sum(), (x, z))
    return [value.detach().double().cpu() for value in (response, *gradients)]


def _learner(
    stage: Stage, head: str, device: torch.device, size: Size, pairs: int, **way: Any
) -> Learner:
    config = TrainConfig(
        stage=stage,
        batch_size=pairs,
        model=ModelConfig(width=size.width, head=head),
        data=DataConfig(pairs_per_epoch=pairs),
        **{"precision": "float32", "channels_last": False, **way},
    )
    learner = make_learner(config, Ranks(), device)
    learner.network.train()
    return learner


def _noise(pairs: int, *, seed: int) -> PairBatch:
    """Return pairs of noise with the target near the middle."""
    batch = make_noise(pairs, seed=seed)
    shifts = torch.randn(pairs, 2, generator=torch.Generator().manual_seed(seed)) * 5
    return replace(batch, boxes_xyxy=batch.boxes_xyxy + shifts.repeat(1, 2))


def _apart(losses: list[float], others: list[float]) -> float:
    return statistics.mean(abs(a - b) for a, b in zip(losses, others, strict=True))


def _at_most(name: str, value: float, bound: float) -> Target:
    return Target(name=name, value=value, unit="", target=bound, at_most=True)
