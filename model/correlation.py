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
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.fourier import correlate_by_products, fast_size, invert, transform

# Largest number of products per map, offsets times template cells, for the direct form. On current
# CPUs a transform of 44 x 44 cells costs as much as 300,000 to 500,000 products and one of
# 87 x 87 as much as 2,500,000, against the 256,000 and 3,750,000 of the two correlation-fusion
# modules (docs/performance.md). GPUs have no fast kernel for depthwise convolutions of this size.
MOST_DIRECT_PRODUCTS = {"cpu": 500_000}


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
    """Return the template for `correlate_kept`: its transform, if that form is cheapest.

    Args:
        z: (B, C, h, w) template features that need no gradient.
        search_size: Height and width of the search features.
    """
    if torch.onnx.is_in_onnx_export() or _is_direct(z, search_size, z.shape[-2:]):
        return z
    return transform(_exact(z), _padded(search_size))


def correlate_kept(x: Tensor, kept: Tensor, template_size: tuple[int, int]) -> Tensor:
    """Return `depthwise_correlation` of search features with a template from `keep_template`.

    Args:
        x: (B, C, H, W) search features.
        kept: Result of `keep_template`.
        template_size: Height and width of the template features.
    """
    if not kept.is_complex():
        return depthwise_correlation(x, kept)
    height, width = x.shape[-2:]
    size = _padded((height, width))
    with torch.autocast(x.device.type, enabled=False):
        product = transform(_exact(x), size) * kept.conj()
        return invert(product, size, height - template_size[0] + 1, width - template_size[1] + 1)


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
        form = _Direct if _is_direct(x, x.shape[-2:], z.shape[-2:]) else _Transformed
        response: Tensor = form.apply(_exact(x), _exact(z), summed)  # type: ignore[no-untyped-call]
    return response


class _Direct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, z: Tensor, summed: bool) -> Tensor:
        ctx.save_for_backward(x, z)
        response = _correlate_directly(x, z)
        return response.sum(1, keepdim=True) if summed else response

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, z = ctx.saved_tensors
        grad_x = grad_z = None
        if ctx.needs_input_grad[0]:
            grad_x = _spread(grads[0], z, x)
        if ctx.needs_input_grad[1]:
            # the response's gradient slides over x as a template does
            gradient = grads[0].expand(-1, x.shape[1], -1, -1)
            grad_z = _correlate_directly(x, gradient).sum_to_size(z.shape)
        return grad_x, grad_z, None


class _Transformed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, z: Tensor, summed: bool) -> Tensor:
        size = _padded(x.shape)
        spectra = transform(x, size), transform(z, size)
        ctx.save_for_backward(*spectra)  # each serves a gradient again
        ctx.shapes = x.shape, z.shape
        product = spectra[0] * spectra[1].conj()
        return invert(product.sum(1, keepdim=True) if summed else product, size, *_offsets(x, z))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x_shape, z_shape = ctx.shapes
        spectrum_x, spectrum_z = ctx.saved_tensors
        size = _padded(x_shape)
        spectrum = transform(grads[0], size)
        grad_x = grad_z = None
        if ctx.needs_input_grad[0]:
            grad_x = invert(spectrum * spectrum_z, size, *x_shape[2:])
        if ctx.needs_input_grad[1]:
            product = spectrum_x * spectrum.conj()
            shared = z_shape[0] < x_shape[0]
            product = product.sum(0, keepdim=True) if shared else product
            grad_z = invert(product, size, *z_shape[2:])
        return grad_x, grad_z, None


def _correlate_directly(x: Tensor, z: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    kernels = z.expand(batch, -1, -1, -1).reshape(batch * channels, 1, *z.shape[-2:])
    stacked = x.contiguous().view(1, batch * channels, height, width)
    response = F.conv2d(stacked, kernels, groups=batch * channels)
    return response.view(batch, channels, *_offsets(x, z))


def _spread(response: Tensor, z: Tensor, like: Tensor) -> Tensor:
    """Return the (B, C, H, W) sum of each template times the response at each of its offsets."""
    channels, height, width = like.shape[1:]
    if z[0, 0].numel() * height * width <= MOST_DIRECT_PRODUCTS.get(like.device.type, 0):
        margin = (z.shape[-1] - 1,) * 2 + (z.shape[-2] - 1,) * 2
        padded = F.pad(response.expand(-1, channels, -1, -1), margin)
        return _correlate_directly(padded, z.flip(-2, -1))
    size = _padded(like.shape)
    return invert(transform(response, size) * transform(z, size), size, height, width)


def _padded(search: Sequence[int]) -> tuple[int, int]:
    return fast_size(search[-2]), fast_size(search[-1])


def _offsets(x: Tensor, z: Tensor) -> tuple[int, int]:
    return x.shape[-2] - z.shape[-2] + 1, x.shape[-1] - z.shape[-1] + 1


def _is_direct(like: Tensor, search: Sequence[int], template: Sequence[int]) -> bool:
    offsets = (search[0] - template[0] + 1) * (search[1] - template[1] + 1)
    return offsets * template[0] * template[1] <= MOST_DIRECT_PRODUCTS.get(like.device.type, 0)


def _exact(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))
