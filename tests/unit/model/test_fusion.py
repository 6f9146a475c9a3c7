"""The resize of the response: a product with one matrix, equal to bilinear interpolation."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.config import ModelConfig
from model.fusion import CorrelationFusion, resize, resize_matrix

SIZES = [(44, 87), (23, 44), (5, 5), (1, 7), (9, 4)]  # cells of the response, of the search map


def _interpolate(maps: Tensor, size: int) -> Tensor:
    return F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)


@pytest.mark.parametrize(("cells", "size"), SIZES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_resize_equals_interpolation_forward_and_backward(
    cells: int, size: int, *, channels_last: bool
) -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 3, cells, cells)
    if channels_last:
        maps = maps.contiguous(memory_format=torch.channels_last)
    weights = torch.randn(2, 3, size, size)
    forms: list[tuple[Callable[[Tensor], Tensor], torch.dtype]] = [
        (lambda m: resize(m, resize_matrix(cells, size)), torch.float32),
        (lambda m: _interpolate(m, size), torch.float32),
        (lambda m: _interpolate(m, size), torch.float64),
    ]
    results = []
    for form, dtype in forms:
        leaf = maps.to(dtype, copy=True).requires_grad_()
        resized = form(leaf)
        (gradient,) = torch.autograd.grad((resized * weights).sum(), leaf)
        results.append((resized.float(), gradient.float()))
    ours, theirs, exact = results
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    # float32 interpolation rounds its coordinates: 44 cells are off by 2e-6 of a cell
    torch.testing.assert_close(ours, exact, rtol=1e-4, atol=3e-5)


def test_resized_channels_are_innermost() -> None:
    resized = resize(torch.randn(2, 8, 23, 23), resize_matrix(23, 44))
    assert resized.is_contiguous(memory_format=torch.channels_last)


def test_resize_matrix_is_no_weight_and_moves_with_the_module() -> None:
    fusion = CorrelationFusion(8, ModelConfig(), search_cells=44, template_cells=22)
    assert not any("resize" in name for name in fusion.state_dict())
    assert fusion.to(torch.float64).resize_matrix.dtype == torch.float64
    assert fusion.to("meta").resize_matrix.device.type == "meta"


def test_resize_under_autocast_keeps_the_type_of_the_features() -> None:
    maps = torch.randn(2, 3, 44, 44)
    with torch.autocast("cpu", torch.bfloat16):
        resized = resize(maps.bfloat16(), resize_matrix(44, 87))
    assert resized.dtype == torch.bfloat16
    expected = _interpolate(maps, 87)
    assert (resized.float() - expected).abs().max() < 2**-6 * expected.abs().max()
