"""The network on crops: many targets in one call, bf16, and the fallback from a CUDA graph."""

import logging

import numpy as np
import pytest
import torch

from model.config import ModelConfig
from model.network import Network, build_model
from model.weights import PRETRAINED, load_model
from tracking.crop_network import CropNetwork, mix
from tracking.cuda_graph import Replayed
from tracking.tracker import Tracker

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def crops(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module", params=[("car", "double", 1), ("siamfc", "cf1", 3)])
def network(request: pytest.FixtureRequest) -> tuple[Network, int]:
    head, variant, num_scales = request.param
    torch.manual_seed(0)
    return build_model(ModelConfig(head=head, variant=variant, width=0.02)).eval(), num_scales


def test_many_targets_in_one_call_get_the_outputs_of_each_alone(
    network: tuple[Network, int],
) -> None:
    runs, num_scales = CropNetwork(network[0]), network[1]
    templates, searches = crops(3, 127, 127, 3), crops(3, num_scales, 255, 255, 3)
    together = runs.search(searches, runs.template(templates))
    for row in range(3):
        features = runs.template(templates[row : row + 1])
        alone = runs.search(searches[row : row + 1], features)
        assert alone.keys() == together.keys()
        for name, value in alone.items():
            assert value.shape[:2] == (1, num_scales)
            np.testing.assert_allclose(together[name][row], value[0], rtol=1e-4, atol=1e-5)


def test_each_row_is_mixed_by_its_own_share() -> None:
    old, new = (tuple(torch.randn(3, 2, *rest) for rest in ((4, 4), (4, 3, 2))) for _ in range(2))
    mixed = mix(old, new, torch.tensor([0.0, 0.25, 1.0]))
    for before, now, found in zip(old, new, mixed, strict=True):
        assert found[0].equal(before[0])
        torch.testing.assert_close(found[1], 0.75 * before[1] + 0.25 * now[1])
        assert found[2].equal(now[2])


def test_bf16_moves_the_shipped_network_s_boxes_by_pixels_at_most() -> None:
    network = load_model(PRETRAINED)
    images = [np.roll(scene(), 3 * step, axis=1) for step in range(8)]
    boxes = []
    for precision in ("float32", "bf16"):
        tracker = Tracker(network, precision=precision)
        tracker.init(images[0], np.array([100.0, 80, 50, 40]))
        boxes.append([tracker.update(image).box_xywh for image in images[1:]])
    np.testing.assert_allclose(boxes[0], boxes[1], atol=2.5)
    assert not np.array_equal(boxes[0], boxes[1])


def scene() -> np.ndarray:
    """Return 240 x 320 px of grey with a textured box of 50 x 40 px at (100, 80)."""
    image = np.full((240, 320, 3), 90, np.uint8)
    image[80:120, 100:150] = (
        np.random.default_rng(1).integers(0, 256, (8, 10, 3)).repeat(5, 0).repeat(5, 1)
    )
    return image


def test_where_no_graph_can_be_captured_the_function_runs_and_one_line_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    if torch.cuda.is_available():
        pytest.skip("CUDA can capture here")
    caplog.set_level(logging.INFO)
    run = Replayed(lambda x, y: (x + y, x * y), CPU, capture=True)
    x, y = torch.arange(4.0), torch.arange(4.0) + 1
    for _ in range(3):
        total, product = run(x, y)
        assert total.equal(x + y)
        assert product.equal(x * y)
    assert caplog.text.count("no CUDA graph, the network runs eagerly") == 1


@pytest.mark.gpu
def test_a_replayed_function_gives_what_the_eager_one_gives() -> None:
    device = torch.device("cuda")
    run = Replayed(lambda x, y: (x @ y, x - y), device)
    kept = run(torch.eye(8), torch.eye(8, device=device))
    for size in (8, 8, 5):  # the last shape is not the captured one
        x, y = torch.randn(size, size), torch.randn(size, size, device=device)
        product, difference = run(x, y)
        torch.testing.assert_close(product, x.to(device) @ y)
        torch.testing.assert_close(difference, x.to(device) - y)
    assert kept[0].equal(torch.eye(8, device=device))


@pytest.mark.gpu
def test_a_tracker_on_a_gpu_gives_the_boxes_of_the_cpu() -> None:
    boxes = []
    for device in ("cpu", "cuda"):
        tracker = Tracker(load_model(PRETRAINED, device=device))
        tracker.init(scene(), np.array([100.0, 80, 50, 40]))
        images = [np.roll(scene(), 3 * step, axis=1) for step in range(1, 8)]
        boxes.append([tracker.update(image).box_xywh for image in images])
    np.testing.assert_allclose(boxes[0], boxes[1], atol=0.2)
