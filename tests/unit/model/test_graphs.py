"""The compiler sees a training step and a search as one graph, and neither runs a slow resize."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.backends.debugging import ExplainWithBackend
from torch._functorch._aot_autograd.utils import make_boxed_compiler

from model.config import PRESETS
from model.network import Network, build_model

STEPS = [("pretrain", "siamfc"), ("finetune", "car")]
Function = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    """Clear what the process has compiled: it is kept per line of code, for eight backends at most.

    What is kept also makes the batch a variable where two tests have batches of different sizes.
    """
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def _network(stage: str, head: str) -> Network:
    """Return a network in float64, so that other orders of sums make no difference."""
    torch.manual_seed(0)
    network = build_model(replace(PRESETS["paper"], gain=0.1, head=head, width=0.02))
    network.freeze(stage)
    return network.double().train()


def _pairs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return template and search crops, boxes, and a positive and a negative mark."""
    generator = torch.Generator().manual_seed(0)
    z, x = (
        torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8, generator=generator)
        for size in (127, 255)
    )
    boxes_xyxy = torch.tensor([[90.0, 95.0, 160.0, 170.0]]).repeat(2, 1)
    return z, x, boxes_xyxy, torch.tensor([True, False])


def _loss_of(network: Network) -> Function:
    def loss(z: Tensor, x: Tensor, boxes_xyxy: Tensor, positive: Tensor) -> Tensor:
        targets = network.head.targets(boxes_xyxy, positive)
        return network.head.loss(network(z, x), targets)["loss"]

    return loss


def _compiled(function: Function) -> tuple[Function, ExplainWithBackend]:
    """Return a function compiled to what runs eagerly, and the compiler's account of its graphs."""
    backend = ExplainWithBackend(aot_autograd(fw_compiler=make_boxed_compiler(_real_only)))
    return torch.compile(function, backend=backend, fullgraph=True), backend


def _real_only(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
    """Return a graph, forward or backward, after a check for complex values and slow resizes."""
    for node in graph.graph.nodes:
        assert "upsample" not in str(node.target)  # one thread per pixel on a GPU
        for value in torch.utils._pytree.tree_leaves(node.meta.get("val")):
            assert not (isinstance(value, Tensor) and value.is_complex()), node
    return graph


def _assert_whole(account: ExplainWithBackend, errors: str) -> None:
    found = account.output()
    assert (found.graph_count, found.graph_break_count) == (1, 0), found.break_reasons
    assert not errors  # the compiler logs its warnings


@pytest.mark.parametrize(
    ("stage", "head"), [*STEPS, pytest.param("pretrain", "car", marks=pytest.mark.slow)]
)
def test_a_training_step_is_one_graph_of_real_numbers(
    stage: str, head: str, capfd: pytest.CaptureFixture[str]
) -> None:
    network = _network(stage, head)
    compiled, account = _compiled(_loss_of(network))
    loss = compiled(*_pairs())
    torch.autograd.backward(loss)
    _assert_whole(account, capfd.readouterr().err)
    eager = _network(stage, head)
    expected = _loss_of(eager)(*_pairs())
    torch.autograd.backward(expected)
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(network.parameters(), eager.parameters(), strict=True):
        assert (ours.grad is not None) == ours.requires_grad
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-8)


def test_a_search_with_a_kept_template_is_one_graph_of_real_numbers(
    capfd: pytest.CaptureFixture[str],
) -> None:
    network = _network("finetune", "car").eval()
    z, x, *_ = _pairs()
    compiled, account = _compiled(network.search)
    with torch.inference_mode():
        features = network.template(z)
        assert not any(feature.is_complex() for feature in features)
        outputs = compiled(x, features)
        for name, output in network.search(x, features).items():
            torch.testing.assert_close(outputs[name], output)
    _assert_whole(account, capfd.readouterr().err)


@pytest.mark.parametrize(("stage", "head"), STEPS)
def test_no_kernel_of_a_training_step_resizes_by_interpolation(stage: str, head: str) -> None:
    loss = _loss_of(_network(stage, head))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        torch.autograd.backward(loss(*_pairs()))
    kernels = {event.key for event in profile.key_averages()}
    assert {"aten::convolution_backward", "aten::bmm"} <= kernels
    assert not [name for name in kernels if "upsample" in name or "interpolate" in name]
