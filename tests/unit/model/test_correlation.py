"""Correlation: equal to grouped conv2d, forward and backward, for every shape and option."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.correlation import (
    correlate_kept,
    cross_correlation,
    depthwise_correlation,
    keep_template,
)
from model.fourier import correlate_by_products, fast_size
from model.operators import MOST_DIRECT_PRODUCTS, transform

SHAPES = [
    # batch, channels, search height and width, template height and width
    (1, 1, 1, 1, 1, 1),
    (2, 3, 9, 9, 1, 1),
    (2, 3, 9, 9, 9, 9),
    (3, 2, 11, 8, 4, 8),
    (2, 5, 10, 13, 7, 2),
    (1, 4, 22, 22, 6, 6),
    (2, 8, 44, 44, 22, 22),
    (2, 4, 44, 44, 20, 20),
    (1, 4, 87, 87, 44, 44),
    (1, 4, 86, 87, 45, 44),
]


def _naive(x: Tensor, z: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    kernels = z.expand(batch, -1, -1, -1).reshape(batch * channels, 1, *z.shape[2:])
    response = F.conv2d(
        x.reshape(1, batch * channels, height, width), kernels, groups=batch * channels
    )
    return response.view(batch, channels, *response.shape[2:])


def _naive_sum(x: Tensor, z: Tensor) -> Tensor:
    return _naive(x, z).sum(dim=1, keepdim=True)


BOTH = [(depthwise_correlation, _naive), (cross_correlation, _naive_sum)]
Correlation = Callable[[Tensor, Tensor], Tensor]


@pytest.fixture(params=["chosen", "direct", "transform"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Correlate in the form that the shape decides, and in each form whatever the shape."""
    most = {"direct": 10**12, "transform": 0}
    if request.param in most:
        monkeypatch.setitem(MOST_DIRECT_PRODUCTS, "cpu", most[request.param])


def _features(
    shape: tuple[int, ...], dtype: torch.dtype, *, shared: bool = False
) -> tuple[Tensor, Tensor]:
    batch, channels, height, width, template_height, template_width = shape
    torch.manual_seed(0)
    x = torch.randn(batch, channels, height, width, dtype=dtype, requires_grad=True)
    templates = 1 if shared else batch
    z = torch.randn(templates, channels, template_height, template_width, dtype=dtype)
    return x, z.requires_grad_()


def _assert_close(ours: Tensor, theirs: Tensor, relative: float) -> None:
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= relative * theirs.abs().max()


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("ours", "naive"), BOTH)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shared", [False, True])
def test_response_and_gradients_equal_grouped_convolution(
    ours: Correlation, naive: Correlation, shape: tuple[int, ...], shared: bool
) -> None:
    x, z = _features(shape, torch.float32, shared=shared)
    response, expected = ours(x, z), naive(x.double(), z.double())
    _assert_close(response, expected.float(), 1e-5)
    weights = torch.randn_like(response)
    gradients = torch.autograd.grad((weights * response).sum(), (x, z))
    exact = torch.autograd.grad((weights * expected).sum(), (x, z))
    for gradient, exact_gradient in zip(gradients, exact, strict=True):
        _assert_close(gradient, exact_gradient, 1e-5)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("ours", "naive"), BOTH)
@pytest.mark.parametrize("shape", [(2, 2, 5, 6, 2, 3), (1, 2, 4, 4, 4, 4), (2, 1, 7, 5, 1, 1)])
@pytest.mark.parametrize("shared", [False, True])
def test_gradients_pass_gradcheck(
    ours: Correlation, naive: Correlation, shape: tuple[int, ...], shared: bool
) -> None:
    assert torch.autograd.gradcheck(ours, _features(shape, torch.float64, shared=shared))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("ours", "naive"), BOTH)
def test_gradient_of_one_side_alone(ours: Correlation, naive: Correlation) -> None:
    x, z = _features((2, 3, 9, 9, 4, 4), torch.float64)
    (alone,) = torch.autograd.grad(ours(x, z.detach()).square().sum(), x)
    (other,) = torch.autograd.grad(ours(x.detach(), z).square().sum(), z)
    both = torch.autograd.grad(ours(x, z).square().sum(), (x, z))
    torch.testing.assert_close((alone, other), both)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("ours", "naive"), BOTH)
def test_batch_equals_one_by_one(ours: Correlation, naive: Correlation) -> None:
    x, z = _features((3, 4, 12, 12, 5, 5), torch.float64)
    alone = [ours(x[i : i + 1], z[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(ours(x, z), torch.cat(alone))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("ours", "naive"), BOTH)
def test_sums_stay_float32_under_autocast(ours: Correlation, naive: Correlation) -> None:
    x, z = _features((2, 8, 20, 20, 11, 11), torch.float32)
    x, z = x.detach().bfloat16(), z.detach().bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        response = ours(x + 100, z + 100)  # a bfloat16 sum would be off by whole percents
    assert response.dtype == torch.float32
    _assert_close(response, naive((x + 100).double(), (z + 100).double()).float(), 1e-5)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("ours", "naive"), BOTH)
def test_channels_last_features_give_the_same(ours: Correlation, naive: Correlation) -> None:
    x, z = _features((2, 8, 20, 18, 11, 7), torch.float32)
    strided = [side.contiguous(memory_format=torch.channels_last) for side in (x, z)]
    torch.testing.assert_close(ours(*strided), ours(x, z))


@pytest.mark.parametrize("shape", [(2, 3, 20, 22, 11, 7), (3, 4, 86, 87, 45, 44)])
@pytest.mark.parametrize("shared", [False, True])
def test_kept_template_gives_the_same(shape: tuple[int, ...], shared: bool) -> None:
    x, z = (features.detach() for features in _features(shape, torch.float32, shared=shared))
    kept = keep_template(z, (x.shape[-2], x.shape[-1]))
    response = correlate_kept(x, kept, (z.shape[-2], z.shape[-1]))
    _assert_close(response, depthwise_correlation(x, z), 1e-5)


def test_large_template_is_kept_as_its_transform() -> None:
    assert keep_template(torch.randn(1, 2, 44, 44), (87, 87)).shape == (1, 2, 88, 45, 2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shared", [False, True])
def test_matrix_products_give_the_same(shape: tuple[int, ...], shared: bool) -> None:
    x, z = (features.detach() for features in _features(shape, torch.float32, shared=shared))
    for naive, summed in ((_naive, False), (_naive_sum, True)):
        expected = naive(x.double(), z.double()).float()
        _assert_close(correlate_by_products(x, z, summed=summed), expected, 1e-5)


def test_gradient_through_a_kept_template() -> None:
    x, z = _features((2, 3, 9, 8, 4, 3), torch.float64)
    kept = transform(z.detach(), 10, 8)
    assert torch.autograd.gradcheck(lambda x: correlate_kept(x, kept, (4, 3)), x)
    response = correlate_kept(x, kept, (4, 3))
    torch.testing.assert_close(response, depthwise_correlation(x, z))


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_operators_keep_what_they_tell_the_compiler(*, summed: bool, shared: bool) -> None:
    x, z = _features((2, 3, 9, 8, 4, 3), torch.float32, shared=shared)
    spectra = transform(x.detach(), 10, 8), transform(z.detach(), 10, 8)
    gradient = torch.randn(2, 1 if summed else 3, 6, 6)
    tests = (
        *("test_schema", "test_autograd_registration", "test_faketensor"),
        "test_aot_dispatch_static",  # compiled, it computes the same; sizes are known
    )
    arguments = {
        "correlate_directly": (x, z, summed),
        "correlate_transformed": (x, z, summed),
        "correlate_kept": (x, spectra[1], 4, 3),
        "spread": (gradient, z.detach(), 9, 8),
        "transform": (x.detach(), 10, 8),
        "correlation_gradients": (gradient, *spectra, [9, 8, 4, 3], True, True),
    }
    registered = [name for name in torch._C._dispatch_get_all_op_names() if "dcffnet::" in name]
    assert sorted(f"dcffnet::{name}" for name in arguments) == sorted(registered)
    for name, inputs in arguments.items():
        operator = getattr(torch.ops.dcffnet, name).default
        torch.library.opcheck(operator, inputs, test_utils=tests)


def test_disagreeing_shapes_are_rejected() -> None:
    with pytest.raises(ValueError, match="must agree in batch and channels"):
        depthwise_correlation(torch.zeros(2, 3, 9, 9), torch.zeros(2, 4, 5, 5))
    with pytest.raises(ValueError, match="must agree in batch and channels"):
        depthwise_correlation(torch.zeros(3, 3, 9, 9), torch.zeros(2, 3, 5, 5))
    with pytest.raises(ValueError, match="at least as large as z"):
        cross_correlation(torch.zeros(2, 3, 9, 4), torch.zeros(2, 3, 5, 5))


@pytest.mark.parametrize(("size", "fast"), [(1, 2), (44, 44), (45, 48), (46, 48), (87, 88)])
def test_fast_size_has_small_factors(size: int, fast: int) -> None:
    assert fast_size(size) == fast
