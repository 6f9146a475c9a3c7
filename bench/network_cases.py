"""Correlations beside their naive form, in every form, and the search branch on a GPU."""

import statistics
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from bench.naive import cross, depthwise, most_direct_products
from bench.timing import Clock, Work, in_turns, median_ratio
from model.config import PRESETS
from model.correlation import cross_correlation, depthwise_correlation
from model.fourier import correlate_by_products
from model.network import build_model

USES = {
    "cf1": (64, 87, 44, False),
    "cf2": (512, 44, 22, False),
    "siamfc map": (256, 44, 22, True),
    "car map": (256, 44, 20, False),
}
"""Channels, search cells, template cells, whether channels are summed; at full width."""
_LIMITS = {"direct": 10**12, "transform": 0}  # most direct products: all of them, or none
_PAPER_FPS = 39.0  # RTX 3090

Correlation = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Figure:
    """One number of the table."""

    device: str
    name: str
    value: float
    unit: str


def correlation_figures(
    device: torch.device, *, rounds: int, batch: int, clock: Clock, width: float = 1.0
) -> list[Figure]:
    """Time each use's correlation forward and backward, beside the naive form."""
    figures = []
    for use, (channels, search, template, summed) in USES.items():
        x, z = _maps(batch, max(int(width * channels), 1), search, template, device)
        ours, naive = (cross_correlation, cross) if summed else (depthwise_correlation, depthwise)
        passes = _passes({"ours": ours, "naive": naive}, x, z)
        seconds = in_turns(passes, rounds=rounds, device=device, clock=clock)
        for way in ("forward", "backward"):
            fast, slow = seconds[f"ours {way}"], seconds[f"naive {way}"]
            figures += compared(device, f"{use} {way}", slow, fast)
    return figures


def form_figures(device: torch.device, *, rounds: int, batch: int, clock: Clock) -> list[Figure]:
    """Time the direct, transform and matrix-product form of each use, forward and backward."""
    figures = []
    for use, (channels, search, template, summed) in USES.items():
        x, z = _maps(batch, channels, search, template, device)
        ours = cross_correlation if summed else depthwise_correlation
        forms: dict[str, Correlation] = {
            **{name: partial(_limited, ours, limit) for name, limit in _LIMITS.items()},
            "products": partial(correlate_by_products, summed=summed),
        }
        seconds = in_turns(_passes(forms, x, z), rounds=rounds, device=device, clock=clock)
        figures += [
            Figure(device.type, f"{use} {name}", 1e3 * statistics.median(times), "ms")
            for name, times in seconds.items()
        ]
    return figures


def gpu_figures(device: torch.device, *, rounds: int) -> list[Figure]:
    """Time the search branch at batch 1 on a GPU: float32 and bf16, eager and as a CUDA graph."""
    figures = []
    z, x = noise_crops(1, device)
    for precision in ("float32", "bf16"):
        network = build_model(replace(PRESETS["paper"], head="car")).to(device).eval()
        if precision == "bf16":
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"),
        ):
            search = partial(network.search, x, network.template(z))
            rivals: dict[str, Work] = {"eager": search, "graph": _captured(search)}
            seconds = in_turns(rivals, rounds=max(rounds, 20), device=device)
        for form, times in seconds.items():
            label, median_s = f"search {precision} {form}", statistics.median(times)
            figures.append(Figure(device.type, label, 1e3 * median_s, "ms"))
            figures.append(
                Figure(device.type, f"{label}, to the paper's", 1 / median_s / _PAPER_FPS, "x")
            )
    return figures


def _captured(work: Work) -> Work:
    """Return work as one CUDA graph, which is launched at once."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # warm up on the stream of the capture
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def compared(device: torch.device, name: str, slow: list[float], fast: list[float]) -> list[Figure]:
    """Return the times of ours and of the naive form, and how many times ours is faster."""
    return [
        Figure(device.type, name, 1e3 * statistics.median(fast), "ms"),
        Figure(device.type, f"{name}, naive", 1e3 * statistics.median(slow), "ms"),
        Figure(device.type, f"{name}, times faster", median_ratio(slow, fast), "x"),
    ]


def _passes(forms: dict[str, Correlation], x: Tensor, z: Tensor) -> dict[str, Callable[[], object]]:
    passes: dict[str, Callable[[], object]] = {}
    for name, form in forms.items():
        response = form(x, z)
        gradient = torch.randn_like(response)
        passes[f"{name} forward"] = partial(_forward, form, x, z)
        passes[f"{name} backward"] = partial(_backward, name, response, x, z, gradient)
    return passes


def _forward(form: Correlation, x: Tensor, z: Tensor) -> Tensor:
    with torch.no_grad():
        return form(x, z)


def _backward(
    name: str, response: Tensor, x: Tensor, z: Tensor, gradient: Tensor
) -> tuple[Tensor, ...]:
    with most_direct_products(_LIMITS[name]) if name in _LIMITS else nullcontext():
        return torch.autograd.grad(response, (x, z), gradient, retain_graph=True)


def _limited(form: Correlation, limit: int, x: Tensor, z: Tensor) -> Tensor:
    with most_direct_products(limit):
        return form(x, z)


def _maps(
    batch: int, channels: int, search: int, template: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    x = torch.randn(batch, channels, search, search, device=device, requires_grad=True)
    z = torch.randn(batch, channels, template, template, device=device, requires_grad=True)
    return x, z


def noise_crops(batch: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return template and search crops of noise, (B, 127, 127, 3) and (B, 255, 255, 3) uint8."""
    z = torch.randint(0, 256, (batch, 127, 127, 3), dtype=torch.uint8, device=device)
    x = torch.randint(0, 256, (batch, 255, 255, 3), dtype=torch.uint8, device=device)
    return z, x
