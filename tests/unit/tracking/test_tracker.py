"""Tracker: follows what its network sees without drift, and survives any image and box."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from datasets.crops import NETWORK_CROP, channel_mean, crop_square
from model.config import ModelConfig
from model.heads import HEADS
from model.network import Network, build_model
from model.weights import WeightsError
from tracking.baselines import BASELINES
from tracking.decoders import DECODERS
from tracking.decoders.car import CarSettings
from tracking.decoders.siamfc import SiamFCSettings
from tracking.interface import to_rgb
from tracking.tracker import Tracker


class RedFinder(nn.Module):
    """A network in the interface of ours that finds what is red: its box is exact to a pixel."""

    def __init__(self, head: str) -> None:
        super().__init__()
        self.config = ModelConfig(head=head)
        self.head = HEADS[head](8, self.config)
        self.unused = nn.Parameter(torch.zeros(1))
        self.cells = self.head.locations + 0.5

    def template(self, z: Tensor) -> tuple[Tensor, ...]:
        return (z.float(),)

    def search(self, x: Tensor, features: tuple[Tensor, ...]) -> dict[str, Tensor]:
        found = [self.red_box(one) for one in x]
        return self.respond(torch.stack(found))

    def red_box(self, crop: Tensor) -> Tensor:
        """Return the (4,) left, top, right, bottom of red, from its mass, to a part of a pixel."""
        red = ((crop[..., 0].float() - crop[..., 1].float()) / 200).clamp(0, 1)
        across, down = red.sum(0), red.sum(1)
        place = torch.arange(255) + 0.5
        x, y = (across * place).sum() / red.sum(), (down * place).sum() / red.sum()
        width, height = red.sum() / across.max(), red.sum() / down.max()
        return torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2])

    def respond(self, boxes: Tensor) -> dict[str, Tensor]:
        x, y = self.cells[None, None, :], self.cells[None, :, None]
        left, top, right, bottom = (side[:, None, None] for side in boxes.unbind(1))
        far = ((x - (left + right) / 2) ** 2 + (y - (top + bottom) / 2) ** 2).sqrt()
        if self.config.head == "siamfc":
            side = (boxes[:, 2:] - boxes[:, :2]).prod(1).sqrt()[:, None, None]
            return {"response": 5 - far / 20 - (side - 63.5).abs() / 2}
        parts = [side.expand_as(far) for side in (x - left, y - top, right - x, bottom - y)]
        return {"logits": torch.stack([far - 20, -far], 1), "ltrb": torch.stack(parts, 1)}


def scene(center: tuple[float, float], size: tuple[float, float]) -> NDArray[np.uint8]:
    """Return a 320 x 240 image with a red box, its edges blended to a fraction of a pixel."""
    cover = [
        np.clip(np.minimum(np.arange(n) + 1, c + s / 2) - np.maximum(np.arange(n), c - s / 2), 0, 1)
        for n, c, s in zip((320, 240), center, size, strict=True)
    ]
    share = np.outer(cover[1], cover[0])[:, :, None]
    image = share * np.array([220, 20, 20]) + (1 - share) * np.array([40, 90, 60])
    rounded: NDArray[np.uint8] = np.round(image).astype(np.uint8)
    return rounded


def finder(head: str) -> Network:
    network: Network = RedFinder(head)  # type: ignore[assignment]
    return network


@pytest.fixture(scope="module", params=[("car", 1), ("car", 3), ("siamfc", 1)])
def network(request: pytest.FixtureRequest) -> Network:
    torch.manual_seed(0)
    head, template_crop = request.param
    return build_model(ModelConfig(head=head, template_crop=template_crop, width=0.01)).eval()


@pytest.mark.parametrize("head", ["car", "siamfc"])
def test_a_target_at_rest_does_not_drift(head: str) -> None:
    image = scene((150.3, 110.7), (44, 44))
    tracker = Tracker(finder(head))
    tracker.init(image, np.array([128.3, 88.7, 44, 44]))
    for _ in range(40):
        box = tracker.update(image).box_xywh
    assert box[:2] + box[2:] / 2 == pytest.approx((150.3, 110.7), abs=0.4)
    assert box[2:] == pytest.approx((44, 44), abs=1.5)


def test_a_moving_growing_target_is_followed_within_two_pixels() -> None:
    tracker = Tracker(finder("car"), CarSettings(lr=1, penalty=0, window=0.1))
    tracker.init(scene((100, 100), (30, 40)), np.array([85.0, 80, 30, 40]))
    for step in range(1, 25):
        center = (100 + 5.3 * step, 100 - 2.1 * step)
        size = (30 + 0.8 * step, 40 - 0.4 * step)
        box = tracker.update(scene(center, size)).box_xywh
        assert box[:2] + box[2:] / 2 == pytest.approx(center, abs=1)
        assert box[2:] == pytest.approx(size, abs=2)


def test_a_siamfc_head_follows_motion_and_growth() -> None:
    tracker = Tracker(finder("siamfc"))
    tracker.init(scene((100, 100), (40, 40)), np.array([80.0, 80, 40, 40]))
    for step in range(1, 30):
        center, side = (100 + 3 * step, 100 + step), 40 + 0.5 * step
        box = tracker.update(scene(center, (side, side))).box_xywh
    assert box[:2] + box[2:] / 2 == pytest.approx(center, abs=2)
    assert box[2:] == pytest.approx((side, side), rel=0.08)


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_a_template_is_renewed_by_its_rate_at_the_new_place(network: Network, rate: float) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 200, 300, 3), np.uint8)
    first_box = np.array([50.5, 60.25, 40.0, 30.0])
    kind = DECODERS[network.config.head].settings_class
    renewed, at_first, at_second = (Tracker(network, kind(template_rate=r)) for r in (rate, 0, 0))
    renewed.init(images[0], first_box)
    at_first.init(images[0], first_box)
    at_second.init(images[1], renewed.update(images[1]).box_xywh)
    mixed = [
        (1 - rate) * old + rate * new
        for old, new in zip(features(at_first), features(at_second), strict=True)
    ]
    for found, expected in zip(features(renewed), mixed, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def features(tracker: Tracker) -> tuple[Tensor, ...]:
    kept = tracker._template
    assert kept is not None
    return kept


def test_the_tracker_cuts_the_crop_that_the_build_cuts(network: Network) -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    box = np.array([50.5, 60.25, 40.0, 30.0])
    tracker = Tracker(network)
    tracker.init(image, box)
    crops = tracker.search_crops(image)
    side = NETWORK_CROP.search_side(40, 30)
    plain = crop_square(image, center=(70.5, 75.25), side=side, size=255, fill=channel_mean(image))
    assert (crops[len(crops) // 2] == plain).all()


boxes = st.tuples(
    st.floats(-400, 400), st.floats(-400, 400), st.floats(0.5, 900), st.floats(0.5, 900)
)
shapes = st.tuples(st.integers(1, 200), st.integers(1, 200)) | st.tuples(
    st.integers(1, 200), st.integers(1, 200), st.sampled_from([1, 3, 4])
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(shapes, boxes, st.integers(0, 2**32 - 1), st.booleans())
def test_any_box_on_any_image_gives_a_finite_box(
    network: Network, shape: tuple[int, ...], box: tuple[float, ...], seed: int, leaves: bool
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, shape, np.uint8)
    tracker = Tracker(network)
    tracker.init(image, np.array(box))
    for _ in range(2):
        frame = np.zeros_like(image) if leaves else image
        prediction = tracker.update(frame)
        x, y, width, height = prediction.box_xywh
        assert np.isfinite(prediction.box_xywh).all()
        assert width > 0
        assert height > 0
        assert 0 <= x + width / 2 <= shape[1]
        assert 0 <= y + height / 2 <= shape[0]
        assert 0 <= prediction.score <= 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(boxes, st.integers(0, 2**32 - 1))
def test_any_run_of_outputs_keeps_the_target_findable(box: tuple[float, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = np.full((90, 120, 3), (255, 0, 0), np.uint8)
    for head in ("car", "siamfc"):
        tracker = Tracker(finder(head))
        tracker.init(image, np.array(box))
        first = np.array(box[2:])
        for _ in range(8):
            tracker.search_crops(image)
            outputs = {
                "logits": rng.normal(0, 9, (1, 2, 25, 25)),
                "ltrb": np.exp(rng.normal(0, 20, (1, 4, 25, 25))),
                "response": rng.normal(0, 9, (3, 23, 23)),
            }
            size = tracker.move(outputs).box_xywh[2:]
            assert np.isfinite(size).all()
            assert (size >= np.minimum(first * 0.2, 10) - 1e-9).all()
            assert (size <= np.maximum(first * 5, (120, 90)) + 1e-9).all()


@pytest.mark.parametrize(("side", "smallest"), [(30.0, 10.0), (6.0, 2.0), (1.0, 1.0)])
def test_a_shrinking_target_stops_at_the_least_side(side: float, smallest: float) -> None:
    tracker = Tracker(finder("car"), CarSettings(lr=1, penalty=0, calibration=0))
    image = np.zeros((90, 120, 3), np.uint8)
    tracker.init(image, np.array([50, 50, side, side]))
    for _ in range(30):
        tracker.search_crops(image)
        logits = np.stack([np.zeros((25, 25)), np.full((25, 25), 50.0)])[None]
        box = tracker.move({"logits": logits, "ltrb": np.full((1, 4, 25, 25), 0.01)}).box_xywh
    assert box[2:].tolist() == [smallest, smallest]


def test_frames_may_change_their_size(network: Network) -> None:
    tracker = Tracker(network)
    tracker.init(np.zeros((100, 200, 3), np.uint8), np.array([150, 60, 30, 30]))
    box = tracker.update(np.zeros((50, 60, 3), np.uint8)).box_xywh
    assert (box[:2] + box[2:] / 2 <= (60, 50)).all()


def test_grey_is_repeated_and_alpha_dropped() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
    assert (to_rgb(grey) == grey[:, :, None]).all()
    rgba = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    assert (to_rgb(rgba) == rgba[:, :, :3]).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 5, 3)),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros(5, np.uint8),
    ],
)
def test_what_is_no_image_is_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"an image of shape .*, expected"):
        to_rgb(image)


@pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, 0, 4], [1, 2, np.nan, 4], [1, np.inf, 2, 4]])
def test_what_is_no_box_is_refused(box: list[float]) -> None:
    image = np.zeros((50, 50, 3), np.uint8)
    for tracker in (Tracker(finder("car")), BASELINES["static"](), BASELINES["mil"]()):
        with pytest.raises(ValueError, match="expected four finite numbers"):
            tracker.init(image, np.array(box))


def test_update_before_init_is_refused() -> None:
    with pytest.raises(ValueError, match="update before init"):
        Tracker(finder("car")).update(np.zeros((50, 50, 3), np.uint8))


def test_nan_from_the_network_is_refused() -> None:
    tracker = Tracker(finder("siamfc"))
    image = np.zeros((50, 50, 3), np.uint8)  # nothing is red: the finder divides by zero
    tracker.init(image, np.array([10, 10, 20, 20]))
    with pytest.raises(WeightsError, match=r"frame 1: the network's .'response'. hold NaN"):
        tracker.update(image)


def test_settings_of_another_head_are_refused() -> None:
    with pytest.raises(ValueError, match=r"head is 'car'.*SiamFCSettings; pass CarSettings"):
        Tracker(finder("car"), SiamFCSettings())
