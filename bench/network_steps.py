"""Training steps and tracked frames, and their shares of the device's limits."""

import statistics
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bench.naive import naive_correlations
from bench.network_cases import Figure, compared, noise_crops
from bench.rates import Rates, demand_of, rate_works, rates_of
from bench.timing import Clock, Work, in_turns, median_ratio
from model.config import PRESETS, ModelConfig
from model.network import Network, build_model
from tracking.tracker import Tracker

Seconds = Mapping[str, list[float]]


def step_figures(
    device: torch.device, *, rounds: int, batch: int, clock: Clock, width: float = 1.0
) -> list[Figure]:
    """Time a training step of each stage; on the CPU beside the naive form in float32."""
    figures = []
    paper = replace(PRESETS["paper"], width=width)
    for stage, config in (("pretrain", paper), ("finetune", replace(paper, head="car"))):
        crops = noise_crops(batch, device)
        ours, naive = (_stage_network(config, stage, device) for _ in range(2))
        rivals: dict[str, Work] = {
            "float32": partial(_step, ours, *crops),
            "bf16": partial(_step, ours, *crops, bf16=True),
            **rate_works(device),
        }
        demands = {precision: demand_of(rivals[precision]) for precision in ("float32", "bf16")}
        if device.type == "cpu":
            rivals["naive"] = partial(_naive_step, naive, *crops)
        seconds = in_turns(rivals, rounds=rounds, device=device, clock=clock)
        rates = rates_of(device, seconds)
        for precision, demand in demands.items():
            name = f"{stage} step" + (", bf16" if precision == "bf16" else "")
            if device.type == "cpu":
                figures += compared(device, name, seconds["naive"], seconds[precision])
            else:
                step_ms = 1e3 * statistics.median(seconds[precision])
                figures.append(Figure(device.type, name, step_ms, "ms"))
            step_s = statistics.median(seconds[precision])
            figures += _shares(device, name, rates.shares(demand, step_s, precision))
    return figures


def frame_figures(
    device: torch.device, *, rounds: int, clock: Clock, width: float = 1.0
) -> list[Figure]:
    """Time a tracked frame, crop to box, of `double` and `baseline`, and the device's rates."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (360, 480, 3), dtype=np.uint8)
    rivals: dict[str, Work] = {}
    for variant, preset in (("double", "paper"), ("baseline", "baseline")):
        config = replace(PRESETS[preset], head="car", width=width)
        tracker = Tracker(build_model(config).to(device))
        tracker.init(image, np.array([200.0, 150.0, 60.0, 40.0]))
        rivals[variant] = partial(tracker.update, image)
    demand = demand_of(rivals["double"])
    seconds = in_turns(rivals | rate_works(device), rounds=rounds, device=device, clock=clock)
    rates = rates_of(device, seconds)
    frame_s = statistics.median(seconds["double"])
    name, ratio = device.type, median_ratio(seconds["double"], seconds["baseline"])
    return [
        Figure(name, "frame, double", 1e3 * frame_s, "ms"),
        Figure(name, "frame, baseline", 1e3 * statistics.median(seconds["baseline"]), "ms"),
        Figure(name, "frame, double to baseline", ratio, "x"),
        *_shares(device, "frame", rates.shares(demand, frame_s, "float32")),
        *rate_figures(device, rates),
    ]


def rate_figures(device: torch.device, rates: Rates) -> list[Figure]:
    """Return the rates of the device."""
    products = [
        Figure(device.type, f"matrix product, {precision}", rate / 1e9, "GMAC/s")
        for precision, rate in rates.macs_per_s.items()
    ]
    return [*products, Figure(device.type, "memory, copy", rates.bytes_per_s / 1e9, "GB/s")]


def _shares(device: torch.device, name: str, shares: tuple[float, float]) -> list[Figure]:
    return [
        Figure(device.type, f"{name}, share of {kind} rate", share, "")
        for kind, share in zip(("matrix", "memory"), shares, strict=True)
    ]


def _stage_network(config: ModelConfig, stage: str, device: torch.device) -> Network:
    network = build_model(config).to(device)
    network.freeze(stage)
    return network.train()


def _step(network: Network, z: Tensor, x: Tensor, *, bf16: bool = False) -> None:
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
        outputs = network(z, x)
    torch.autograd.backward(
        sum((o.mean() for o in outputs.values()), torch.zeros((), device=x.device))
    )


def _naive_step(network: Network, z: Tensor, x: Tensor) -> None:
    # floats of contiguous layout, as loaders usually deliver them
    with naive_correlations():
        _step(network, *((c.permute(0, 3, 1, 2) / 255).contiguous() for c in (z, x)))
