"""The correlation as a grouped convolution, which is what ours is measured against."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor

import model.fusion
import model.heads.car
import model.heads.siamfc
import model.operators


def depthwise(x: Tensor, z: Tensor) -> Tensor:
    """Return the (B, C, H - h + 1, W - w + 1) response of each channel."""
    batch, channels, height, width = x.shape
    kernels = z.expand(batch, -1, -1, -1).reshape(batch * channels, 1, *z.shape[2:])
    stacked = x.reshape(1, batch * channels, height, width)
    response = F.conv2d(stacked, kernels, groups=batch * channels)
    return response.view(batch, channels, *response.shape[2:])


def cross(x: Tensor, z: Tensor) -> Tensor:
    """Return the (B, 1, H - h + 1, W - w + 1) response summed over channels."""
    batch, channels, height, width = x.shape
    stacked = x.reshape(1, batch * channels, height, width)
    response = F.conv2d(stacked, z.expand(batch, -1, -1, -1), groups=batch)
    return response.transpose(0, 1)


@contextmanager
def naive_correlations() -> Iterator[None]:
    """Make all networks correlate by grouped convolution while the context lasts."""
    replaced = (
        (model.fusion, "depthwise_correlation", depthwise),
        (model.fusion, "keep_template", _keep_as_is),
        (model.heads.car, "depthwise_correlation", depthwise),
        (model.heads.siamfc, "cross_correlation", cross),
    )
    ours = [getattr(module, name) for module, name, _ in replaced]
    for module, name, naive in replaced:
        setattr(module, name, naive)
    try:
        yield
    finally:
        for (module, name, _), function in zip(replaced, ours, strict=True):
            setattr(module, name, function)


@contextmanager
def most_direct_products(limit: int) -> Iterator[None]:
    """Correlate directly up to ``limit`` products a map while the context lasts: 0 is never."""
    table = model.operators.MOST_DIRECT_PRODUCTS
    before = dict(table)
    table.update({"cpu": limit, "cuda": limit})
    try:
        yield
    finally:
        table.clear()
        table.update(before)


def _keep_as_is(z: Tensor, search_size: tuple[int, int]) -> Tensor:
    return z
