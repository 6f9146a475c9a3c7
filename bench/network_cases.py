"""What `bench.network` measures: correlations, training steps, tracked frames."""

import statistics
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bench.naive import cross, depthwise, most_direct_products, naive_correlations
from bench.timing import Clock, in_turns, median_ratio
from model.config import PRESETS, ModelConfig
from model.correlation import cross_correlation, depthwise_correlation
from model.fourier import correlate_by_products
from model.network import Network, build_model
from tracking.tracker import Tracker

# channels, search cells, template cells, whether channels are summed; at full width
_USES = {
    "cf1": (64, 87, 44, False),
    "cf2": (512, 44, 22, False),
    "siamfc map": (256, 44, 22, True),
    "car map": (256, 44, 20, False),
}
_LIMITS = {"direct": 10**12, "transform": 0}  # most direct products: all of them, or none
_FRAME_GMAC = 12.7  # search branch and CAR head, `double` (python -m model.summary)
_PAIR_GMAC = 35.0  # both branches, forward and twice backward, but for the gradient of the crops
_MATRIX_SIZE = 1536
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
    device: torch.device, *, rounds: int, batch: int, clock: Clock
) -> list[Figure]:
    """Time each use's correlation forward and backward, beside the naive form."""
    figures = []
    for use, (channels, search, template, summed) in _USES.items():
        x, z = _maps(batch, channels, search, template, device)
        ours, naive = (cross_correlation, cross) if summed else (depthwise_correlation, depthwise)
        passes = _passes({"ours": ours, "naive": naive}, x, z)
        seconds = in_turns(passes, rounds=rounds, device=device, clock=clock)
        for way in ("forward", "backward"):
            fast, slow = seconds[f"ours {way}"], seconds[f"naive {way}"]
            figures += _compared(device, f"{use} {way}", slow, fast)
    return figures


def form_figures(device: torch.device, *, rounds: int, batch: int, clock: Clock) -> list[Figure]:
    """Time the direct, transform and matrix-product form of each use, forward and backward."""
    figures = []
    for use, (channels, search, template, summed) in _USES.items():
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


def step_figures(device: torch.device, *, rounds: int, batch: int, clock: Clock) -> list[Figure]:
    """Time a training step of each stage at full width, beside the naive form in float32."""
    figures = []
    paper = PRESETS["paper"]
    for stage, config in (("pretrain", paper), ("finetune", replace(paper, head="car"))):
        ours, naive = (_stage_network(config, stage, device) for _ in range(2))
        rivals: dict[str, Callable[[], object]] = {
            "ours": partial(_step, ours, *_crops(batch, device)),
            "bf16": partial(_step, ours, *_crops(batch, device), bf16=True),
            "naive": partial(_naive_step, naive, *_crops(batch, device)),
            "product": _matrix_product(device),
            "product, bf16": _matrix_product(device, torch.bfloat16),
        }
        seconds = in_turns(rivals, rounds=rounds, device=device, clock=clock)
        figures += _compared(device, f"{stage} step", seconds["naive"], seconds["ours"])
        figures += _compared(device, f"{stage} step, bf16", seconds["naive"], seconds["bf16"])[::2]
        if stage == "pretrain":
            figures += _bounds(device, seconds, batch)
    return figures


def frame_figures(device: torch.device, *, rounds: int, clock: Clock) -> list[Figure]:
    """Time a tracked frame, crop to box, of `double` and `baseline`, and a matrix product."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (360, 480, 3), dtype=np.uint8)
    rivals: dict[str, Callable[[], object]] = {}
    for variant, preset in (("double", "paper"), ("baseline", "baseline")):
        tracker = Tracker(build_model(replace(PRESETS[preset], head="car")).to(device))
        tracker.init(image, np.array([200.0, 150.0, 60.0, 40.0]))
        rivals[variant] = partial(tracker.update, image)
    rivals["product"] = _matrix_product(device)
    rivals["product, bf16"] = _matrix_product(device, torch.bfloat16)
    seconds = in_turns(rivals, rounds=rounds, device=device, clock=clock)
    gmac_s = _rate(seconds["product"])
    frame_s = statistics.median(seconds["double"])
    name, ratio = device.type, median_ratio(seconds["double"], seconds["baseline"])
    return [
        Figure(name, "frame, double", 1e3 * frame_s, "ms"),
        Figure(name, "frame, baseline", 1e3 * statistics.median(seconds["baseline"]), "ms"),
        Figure(name, "frame, double to baseline", ratio, "x"),
        Figure(name, "matrix product, float32", gmac_s, "GMAC/s"),
        Figure(name, "matrix product, bf16", _rate(seconds["product, bf16"]), "GMAC/s"),
        Figure(name, "frame, share of matrix rate", _FRAME_GMAC / frame_s / gmac_s, ""),
    ]


def gpu_figures(device: torch.device, *, rounds: int) -> list[Figure]:
    """Time the search branch on a GPU: float32 and bfloat16, eager and compiled with graphs."""
    figures = []
    z, x = _crops(1, device)
    network = build_model(replace(PRESETS["paper"], head="car")).to(device).eval()
    for dtype in (torch.float32, torch.bfloat16):
        compiled = torch.compile(network.search, mode="reduce-overhead")
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype, enabled=dtype != torch.float32),
        ):
            features = network.template(z)
            rivals = {
                "eager": partial(network.search, x, features),
                "compiled": partial(compiled, x, features),
            }
            seconds = in_turns(rivals, rounds=max(rounds, 20), device=device)
        for form, times in seconds.items():
            rate = 1 / statistics.median(times)
            label = f"search {str(dtype).removeprefix('torch.')} {form}"
            figures.append(Figure(device.type, label, rate, "frames/s"))
            figures.append(Figure(device.type, f"{label}, to the paper's", rate / _PAPER_FPS, "x"))
    return figures


def _compared(
    device: torch.device, name: str, slow: list[float], fast: list[float]
) -> list[Figure]:
    return [
        Figure(device.type, name, 1e3 * statistics.median(fast), "ms"),
        Figure(device.type, f"{name}, naive", 1e3 * statistics.median(slow), "ms"),
        Figure(device.type, f"{name}, times faster", median_ratio(slow, fast), "x"),
    ]


def _bounds(device: torch.device, seconds: dict[str, list[float]], batch: int) -> list[Figure]:
    """Return what a pretraining step reaches of the matrix rate, and what it could reach at it."""
    figures = []
    for step, product, suffix in (("ours", "product", ""), ("bf16", "product, bf16", ", bf16")):
        least_s = batch * _PAIR_GMAC / _rate(seconds[product])
        name, step_s = f"pretrain step{suffix}", statistics.median(seconds[step])
        best = statistics.median(seconds["naive"]) / least_s
        figures += [
            Figure(device.type, f"{name}, share of matrix rate", least_s / step_s, ""),
            Figure(device.type, f"{name}, times faster at the matrix rate", best, "x"),
        ]
    return figures


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


def _crops(batch: int, device: torch.device) -> tuple[Tensor, Tensor]:
    z = torch.randint(0, 256, (batch, 127, 127, 3), dtype=torch.uint8, device=device)
    x = torch.randint(0, 256, (batch, 255, 255, 3), dtype=torch.uint8, device=device)
    return z, x


def _stage_network(config: ModelConfig, stage: str, device: torch.device) -> Network:
    network = build_model(config).to(device)
    network.freeze(stage)
    return network.train()


def _matrix_product(
    device: torch.device, dtype: torch.dtype = torch.float32
) -> Callable[[], object]:
    matrix = torch.randn(_MATRIX_SIZE, _MATRIX_SIZE, device=device, dtype=dtype)
    return partial(torch.mm, matrix, matrix)


def _rate(products: list[float]) -> float:
    """Return the GMAC/s of matrix products that took these seconds."""
    return _MATRIX_SIZE**3 / 1e9 / statistics.median(products)


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
