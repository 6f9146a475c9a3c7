"""Correlation of search features with template features, fast forward and backward.

``response[b, c, i, j] = sum over u, v of z[b, c, u, v] * x[b, c, i + u, j + v]``: pair b never sees
the template of another pair. As a grouped ``conv2d`` with a 44 x 44 kernel the backward pass takes
many times the rest of the network. The response and both gradients are correlations again. Each is
computed in the cheapest form for its shape, as measured by `bench.network`:

- direct: a depthwise convolution's forward pass, at the rate of a matrix product, for few products;
- transform: by FFT, for many; the template's transform can be kept (`keep_template`);
- products: by FFT written as matrix products, for ONNX (`model.fourier`).

Sums are float32 (float64 for float64 features) under autocast too.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from model import operators
from model.fourier import correlate_by_products
from model.operators import (
    MOST_DIRECT_PRODUCTS,
    correlate_directly,
    correlate_transformed,
    padded,
    transform,
)


def depthwise_correlation(x: Tensor, z: Tensor) -> Tensor:
    """Return the (B, C, H - h + 1, W - w + 1) response of each channel.

    Args:
        x: (B, C, H, W) search features, H >= h and W >= w.
        z: (B, C, h, w) template features, or (1, C, h, w) for one template over all B.
    """
    return _correlate_checked(x, z, summed=False)


def cross_correlation(x: Tensor, z: Tensor) -> Tensor:
    """Return the (B, 1, H - h + 1, W - w + 1) response summed over channels.

    Args:
        x: (B, C, H, W) search features, H >= h and W >= w.
        z: (B, C, h, w) template features, or (1, C, h, w) for one template over all B.
    """
    return _correlate_checked(x, z, summed=True)


def keep_template(z: Tensor, search_size: tuple[int, int]) -> Tensor:
    """Return the template for `correlate_kept`: its 5-D transform, if that form is cheapest.

    Args:
        z: (B, C, h, w) template features that need no gradient.
        search_size: Height and width of the search features.
    """
    if torch.onnx.is_in_onnx_export() or _is_direct(z, search_size, z.shape[-2:]):
        return z
    kept: Tensor = transform(_exact(z), *padded(search_size))
    return kept


def correlate_kept(x: Tensor, kept: Tensor, template_size: tuple[int, int]) -> Tensor:
    """Return `depthwise_correlation` of search features with a template from `keep_template`.

    Args:
        x: (B, C, H, W) search features.
        kept: Result of `keep_template`.
        template_size: Height and width of the template features.
    """
    if kept.dim() == 4:
        return depthwise_correlation(x, kept)
    with torch.autocast(x.device.type, enabled=False):
        response: Tensor = operators.correlate_kept(_exact(x), kept, *template_size)
    return response


def _correlate_checked(x: Tensor, z: Tensor, *, summed: bool) -> Tensor:
    if torch.onnx.is_in_onnx_export():
        return correlate_by_products(_exact(x), _exact(z), summed=summed)
    if x.shape[1] != z.shape[1] or z.shape[0] not in (1, x.shape[0]):
        raise ValueError(
            f"x and z must agree in batch and channels, got {tuple(x.shape)}, {tuple(z.shape)}"
        )
    if x.shape[2] < z.shape[2] or x.shape[3] < z.shape[3]:
        raise ValueError(
            f"x must be at least as large as z, got {tuple(x.shape)}, {tuple(z.shape)}"
        )
    with torch.autocast(x.device.type, enabled=False):
        if _is_direct(x, x.shape[-2:], z.shape[-2:]):
            response: Tensor = correlate_directly(_exact(x), _exact(z), summed)
        else:
            response, _, _ = correlate_transformed(_exact(x), _exact(z), summed)
    return response


def _is_direct(like: Tensor, search: Sequence[int], template: Sequence[int]) -> bool:
    offsets = (search[0] - template[0] + 1) * (search[1] - template[1] + 1)
    return offsets * template[0] * template[1] <= MOST_DIRECT_PRODUCTS.get(like.device.type, 0)


def _exact(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))
