"""Correlation of search features with template features, fast forward and backward.

``response[b, c, i, j] = sum over u, v of z[b, c, u, v] * x[b, c, i + u, j + v]``: pair b never sees
the template of another pair. As a grouped ``conv2d`` with a 44 x 44 kernel the backward pass takes
many times the rest of the network; by FFT the three correlations of forward and backward share
the transforms. Sums are float32 (float64 for float64 features) under autocast too.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_FAST_FACTORS = (2, 3, 5, 7, 11)


def depthwise_correlation(x: Tensor, z: Tensor) -> Tensor:
    """Return the (B, C, H - h + 1, W - w + 1) response of each channel.

    Args:
        x: (B, C, H, W) search features, H >= h and W >= w.
        z: (B, C, h, w) template features, or (1, C, h, w) for one template over all B.
    """
    return _correlate(x, z, summed=False)


def cross_correlation(x: Tensor, z: Tensor) -> Tensor:
    """Return the (B, 1, H - h + 1, W - w + 1) response summed over channels.

    Args:
        x: (B, C, H, W) search features, H >= h and W >= w.
        z: (B, C, h, w) template features, or (1, C, h, w) for one template over all B.
    """
    return _correlate(x, z, summed=True)


def fast_size(size: int) -> int:
    """Return the smallest even size >= ``size`` whose prime factors are at most 11.

    FFT libraries have kernels for these; at 87 = 3 * 29 a transform takes 7 times that at 88.
    """
    candidate = size + size % 2
    while not _is_fast(candidate):
        candidate += 2
    return candidate


def _is_fast(size: int) -> bool:
    for factor in _FAST_FACTORS:
        while size % factor == 0:
            size //= factor
    return size == 1


def _correlate(x: Tensor, z: Tensor, *, summed: bool) -> Tensor:
    if x.shape[1] != z.shape[1] or z.shape[0] not in (1, x.shape[0]):
        raise ValueError(
            f"x and z must agree in batch and channels, got {tuple(x.shape)}, {tuple(z.shape)}"
        )
    if x.shape[2] < z.shape[2] or x.shape[3] < z.shape[3]:
        raise ValueError(
            f"x must be at least as large as z, got {tuple(x.shape)}, {tuple(z.shape)}"
        )
    exact = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        response: Tensor = _ByTransform.apply(x.to(exact), z.to(exact), summed)  # type: ignore[no-untyped-call]
    return response


class _ByTransform(torch.autograd.Function):
    # No padding beyond the search map is needed: wrap-around of the circular correlation only
    # reaches offsets that are cut off, forward (H - h + 1 are kept) and backward (h, then H).
    @staticmethod
    def forward(ctx: Any, x: Tensor, z: Tensor, summed: bool) -> Tensor:
        size = fast_size(x.shape[-2]), fast_size(x.shape[-1])
        spectrum_x, spectrum_z = _transform(x, size), _transform(z, size)
        ctx.save_for_backward(spectrum_x, spectrum_z)
        ctx.size, ctx.x_shape, ctx.z_shape = size, x.shape, z.shape
        product = spectrum_x * spectrum_z.conj()
        if summed:
            product = product.sum(dim=1, keepdim=True)
        return _cut_inverse(
            product, size, x.shape[-2] - z.shape[-2] + 1, x.shape[-1] - z.shape[-1] + 1
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        spectrum_x, spectrum_z = ctx.saved_tensors
        spectrum_grad = _transform(grads[0], ctx.size)
        grad_x = grad_z = None
        if ctx.needs_input_grad[0]:
            grad_x = _cut_inverse(spectrum_grad * spectrum_z, ctx.size, *ctx.x_shape[2:])
        if ctx.needs_input_grad[1]:
            product = (spectrum_x * spectrum_grad.conj()).sum_to_size(spectrum_z.shape)
            grad_z = _cut_inverse(product, ctx.size, *ctx.z_shape[2:])
        return grad_x, grad_z, None


def _transform(x: Tensor, size: tuple[int, int]) -> Tensor:
    spectrum: Tensor = torch.fft.rfft2(x.contiguous(), s=size)
    return spectrum


def _cut_inverse(spectrum: Tensor, size: tuple[int, int], height: int, width: int) -> Tensor:
    full: Tensor = torch.fft.irfft2(spectrum, s=size)
    return full[..., :height, :width].contiguous()
