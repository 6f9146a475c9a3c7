"""Correlations as operators of torch, with their gradients.

Their arguments and results are real: a transform is a (..., 2) tensor of real and imaginary parts.
`torch.compile` calls them as they are; it has no code for complex numbers. It also calls them
where torch ignores the lazy mark that ``conj()`` leaves, so conjugates are computed at once.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from model.fourier import fast_size, invert
from model.fourier import transform as transform_complex

# Largest number of products per map, offsets times template cells, for the direct form. On current
# CPUs a transform of 44 x 44 cells costs as much as 300,000 to 500,000 products and one of
# 87 x 87 as much as 2,500,000, against the 256,000 and 3,750,000 of the two correlation-fusion
# modules (docs/performance.md). GPUs have no fast kernel for depthwise convolutions of this size.
MOST_DIRECT_PRODUCTS = {"cpu": 500_000}


def padded(search: Sequence[int]) -> tuple[int, int]:
    """Return the rows and columns that maps of this size (..., H, W) are transformed at."""
    return fast_size(search[-2]), fast_size(search[-1])


@torch.library.custom_op(
    "dcffnet::transform", mutates_args=(), schema="(Tensor maps, int rows, int columns) -> Tensor"
)
def transform(maps: Tensor, rows: int, columns: int) -> Tensor:
    """Return the (..., rows, columns // 2 + 1, 2) transform of real maps, zero-padded."""
    return torch.view_as_real(transform_complex(maps, (rows, columns)))


@transform.register_fake
def _(maps: Tensor, rows: int, columns: int) -> Tensor:
    return maps.new_empty(*maps.shape[:-2], rows, columns // 2 + 1, 2)


@torch.library.custom_op(
    "dcffnet::correlate_directly",
    mutates_args=(),
    schema="(Tensor x, Tensor z, bool summed) -> Tensor",
)
def correlate_directly(x: Tensor, z: Tensor, summed: bool) -> Tensor:
    """Return the response as a depthwise convolution, or (``summed``) its sum over channels."""
    response = _convolve(x, z)
    return response.sum(1, keepdim=True) if summed else response


@correlate_directly.register_fake
def _(x: Tensor, z: Tensor, summed: bool) -> Tensor:
    return x.new_empty(x.shape[0], 1 if summed else x.shape[1], *_offsets(x, z))


def _save_maps(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:2])


def _backward_directly(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
    x, z = ctx.saved_tensors
    grad_x = grad_z = None
    if ctx.needs_input_grad[0]:
        grad_x = _spread(gradient, z, *x.shape[2:])
    if ctx.needs_input_grad[1]:
        # the response's gradient slides over x as a template does
        grad_z = _convolve(x, gradient.expand(-1, x.shape[1], -1, -1)).sum_to_size(z.shape)
    return grad_x, grad_z, None


correlate_directly.register_autograd(_backward_directly, setup_context=_save_maps)


@torch.library.custom_op(
    "dcffnet::correlate_transformed",
    mutates_args=(),
    schema="(Tensor x, Tensor z, bool summed) -> (Tensor, Tensor, Tensor)",
)
def correlate_transformed(x: Tensor, z: Tensor, summed: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the response, or its sum, and both transforms, which serve the gradients again."""
    size = padded(x.shape)
    spectra = transform_complex(x, size), transform_complex(z, size)
    product = spectra[0] * torch.conj_physical(spectra[1])
    product = product.sum(1, keepdim=True) if summed else product
    response = invert(product, size, *_offsets(x, z))
    return response, torch.view_as_real(spectra[0]), torch.view_as_real(spectra[1])


@correlate_transformed.register_fake
def _(x: Tensor, z: Tensor, summed: bool) -> tuple[Tensor, Tensor, Tensor]:
    size = padded(x.shape)
    response = x.new_empty(x.shape[0], 1 if summed else x.shape[1], *_offsets(x, z))
    return response, transform(x, *size), transform(z, *size)


def _save_transforms(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.mark_non_differentiable(*output[1:])
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*output[1:])
    ctx.sizes = [*inputs[0].shape[2:], *inputs[1].shape[2:]]


def _backward_transformed(
    ctx: Any, gradient: Tensor | None, *_: None
) -> tuple[Tensor | None, Tensor | None, None]:
    if gradient is None:
        return None, None, None
    of_x, of_z, _unused = ctx.needs_input_grad
    grads = _gradients(gradient, *ctx.saved_tensors, ctx.sizes, of_x, of_z)
    return (grads[0] if of_x else None), (grads[-1] if of_z else None), None


correlate_transformed.register_autograd(_backward_transformed, setup_context=_save_transforms)


@torch.library.custom_op(
    "dcffnet::correlate_kept",
    mutates_args=(),
    schema="(Tensor x, Tensor kept, int height, int width) -> Tensor",
)
def correlate_kept(x: Tensor, kept: Tensor, height: int, width: int) -> Tensor:
    """Return the response of a (height, width) template whose transform was kept."""
    size = padded(x.shape)
    product = transform_complex(x, size) * torch.conj_physical(torch.view_as_complex(kept))
    return invert(product, size, x.shape[-2] - height + 1, x.shape[-1] - width + 1)


@correlate_kept.register_fake
def _(x: Tensor, kept: Tensor, height: int, width: int) -> Tensor:
    return x.new_empty(*x.shape[:2], x.shape[-2] - height + 1, x.shape[-1] - width + 1)


def _save_kept(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(inputs[1])
    ctx.sizes = [*inputs[0].shape[2:], *inputs[2:]]


def _backward_kept(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
    (kept,) = ctx.saved_tensors
    (grad_x,) = _gradients(gradient, kept, kept, ctx.sizes, True, False)
    return grad_x, None, None, None


correlate_kept.register_autograd(_backward_kept, setup_context=_save_kept)


@torch.library.custom_op(
    "dcffnet::correlation_gradients",
    mutates_args=(),
    schema="(Tensor g, Tensor x, Tensor z, int[] sizes, bool of_x, bool of_z) -> Tensor[]",
)
def _gradients(
    g: Tensor, x: Tensor, z: Tensor, sizes: Sequence[int], of_x: bool, of_z: bool
) -> list[Tensor]:
    """Return the gradients of x and z, as asked for, from their transforms.

    Args:
        g: Gradient of the response.
        x: Transform of the search features; unused without ``of_z``.
        z: Transform of the template features.
        sizes: Height and width of the search features and of the template features.
        of_x: Whether to return the gradient of the search features.
        of_z: Whether to return the gradient of the template features.
    """
    size = padded(sizes[:2])
    spectrum = transform_complex(g, size)
    grads = []
    if of_x:
        grads.append(invert(spectrum * torch.view_as_complex(z), size, sizes[0], sizes[1]))
    if of_z:
        product = torch.view_as_complex(x) * torch.conj_physical(spectrum)
        product = product.sum(0, keepdim=True) if z.shape[0] < x.shape[0] else product
        grads.append(invert(product, size, sizes[2], sizes[3]))
    return grads


@_gradients.register_fake
def _(
    g: Tensor, x: Tensor, z: Tensor, sizes: Sequence[int], of_x: bool, of_z: bool
) -> list[Tensor]:
    grads = [g.new_empty(g.shape[0], z.shape[1], *sizes[:2])] if of_x else []
    return grads + ([g.new_empty(*z.shape[:2], *sizes[2:])] if of_z else [])


@torch.library.custom_op(
    "dcffnet::spread",
    mutates_args=(),
    schema="(Tensor response, Tensor z, int height, int width) -> Tensor",
)
def _spread(response: Tensor, z: Tensor, height: int, width: int) -> Tensor:
    """Return the (B, C, H, W) sum of each template times the response at each of its offsets."""
    if z[0, 0].numel() * height * width <= MOST_DIRECT_PRODUCTS.get(z.device.type, 0):
        margin = (z.shape[-1] - 1,) * 2 + (z.shape[-2] - 1,) * 2
        padding = F.pad(response.expand(-1, z.shape[1], -1, -1), margin)
        return _convolve(padding, z.flip(-2, -1))
    size = padded((height, width))
    return invert(
        transform_complex(response, size) * transform_complex(z, size), size, height, width
    )


@_spread.register_fake
def _(response: Tensor, z: Tensor, height: int, width: int) -> Tensor:
    return response.new_empty(response.shape[0], z.shape[1], height, width)


def _convolve(x: Tensor, z: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    kernels = z.expand(batch, -1, -1, -1).reshape(batch * channels, 1, *z.shape[-2:])
    stacked = x.contiguous().view(1, batch * channels, height, width)
    response = F.conv2d(stacked, kernels, groups=batch * channels)
    return response.view(batch, channels, *_offsets(x, z))


def _offsets(x: Tensor, z: Tensor) -> tuple[int, int]:
    return x.shape[-2] - z.shape[-2] + 1, x.shape[-1] - z.shape[-1] + 1
