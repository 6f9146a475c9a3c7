"""Follow one target: ``init(image, box_xywh)`` on the first frame, then ``update(image)``."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from datasets.crops import NETWORK_CROP, channel_mean, crop_square
from datasets.images import Image
from model.network import Network
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from model.weights import PRETRAINED, WeightsError, load_model
from tracking.decoders import DECODERS
from tracking.decoders.base import Floats, Settings


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Prediction of a tracker for one frame."""

    box_xywh: NDArray[np.float64]
    """(4,) left, top, width, height in pixels, not clipped to the frame."""
    score: float
    """Confidence from 0 to 1; comparable within one tracker only."""
    kept: bool = False
    """Whether the tracker had no answer and kept its box of the frame before."""


class BoxTracker(Protocol):
    """Interface of all trackers, learned or not."""

    def init(self, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]) -> None:
        """Start on a frame with the target's box."""
        ...

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Return the prediction for the next frame."""
        ...


class Tracker:
    """Follow a target with a trained network.

    `update` runs `search_crops`, `respond`, `move` and `renew`, which can be timed separately.

    Args:
        network: Network with any head; it is put into evaluation mode.
        settings: Settings of the head's decoder; None takes the defaults.
    """

    def __init__(self, network: Network, settings: Settings | None = None) -> None:
        decoder = DECODERS[network.config.head]
        self.settings = decoder.settings_class() if settings is None else settings
        if not isinstance(self.settings, decoder.settings_class):
            raise ValueError(
                f"the network's head is {network.config.head!r}, but the settings are "
                f"{type(self.settings).__name__}; pass {decoder.settings_class.__name__}"
            )
        self._network = network.eval()
        self._device = next(network.parameters()).device
        locations = network.head.locations.numpy().astype(np.float64)
        self._decoder = decoder(self.settings, locations)
        self._template: tuple[torch.Tensor, ...] | None = None

    @classmethod
    def from_pretrained(cls, *, device: str | torch.device = "cpu") -> "Tracker":
        """Return a tracker with the network that comes with the toolkit (docs/models.md)."""
        return cls(load_model(PRETRAINED, device=device))

    def init(self, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]) -> None:
        """Start on the target of a frame.

        Args:
            image: (H, W, 3) uint8 RGB; grey and RGBA as in `to_rgb`.
            box_xywh: (4,) left, top, width, height in pixels; it may reach over the frame's edge.

        Raises:
            ValueError: The box is not finite or has no area, or the image is not one.
        """
        image, box = to_rgb(image), check_box(box_xywh)
        self._center = box[:2] + box[2:] / 2
        self._size = box[2:].copy()
        frame_size = np.array(image.shape[1::-1], np.float64)
        self._limits = self._decoder.side_limits(self._size, frame_size)
        self._frame = 0
        self._measure(image)
        self._template = self._template_features(image)

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Find the target in the next frame.

        Raises:
            ValueError: `init` was not called, or the image is not one.
            WeightsError: The network returned NaN.
        """
        prediction = self.move(self.respond(self.search_crops(image)))
        self.renew(image)
        return prediction

    def search_crops(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (N, 255, 255, 3) search crops around the last position, one per scale."""
        if self._template is None:
            raise ValueError("update before init: call init with the first frame and its box")
        image = to_rgb(image)
        self._measure(image)
        fill = channel_mean(image)
        center = (float(self._center[0]), float(self._center[1]))
        sides = self._search_side * self._decoder.scales
        return np.stack(
            [
                crop_square(image, center=center, side=float(side), size=SEARCH_SIZE, fill=fill)
                for side in sides
            ]
        )

    def respond(self, crops: NDArray[np.uint8]) -> dict[str, Floats]:
        """Return the network's outputs for the search crops, N rows each."""
        assert self._template is not None
        with torch.inference_mode():
            outputs = self._network.search(torch.from_numpy(crops).to(self._device), self._template)
        return {
            name: value.float().cpu().numpy().astype(np.float64) for name, value in outputs.items()
        }

    def move(self, outputs: dict[str, Floats]) -> Prediction:
        """Move the target by the network's outputs and return the prediction."""
        self._frame += 1
        damaged = [name for name, value in outputs.items() if np.isnan(value).any()]
        if damaged:
            raise WeightsError(
                f"frame {self._frame}: the network's {damaged} hold NaN for a valid crop. The "
                "weights are damaged or training diverged; check them before tracking"
            )
        scale = SEARCH_SIZE / self._search_side  # crop px per image px
        size_in_search = (float(self._size[0] * scale), float(self._size[1] * scale))
        motion = self._decoder.decode(outputs, size_in_search)
        shift_in_image = np.array(motion.shift_in_search) / scale
        self._center = np.clip(self._center + shift_in_image, 0.0, self._frame_size)
        self._size = np.clip(np.array(motion.size_in_search) / scale, *self._limits)
        box_xywh = np.concatenate([self._center - self._size / 2, self._size])
        return Prediction(box_xywh=box_xywh, score=motion.score)

    def renew(self, image: NDArray[np.uint8]) -> None:
        """Mix the features at the target's new position into the template, by `template_rate`."""
        rate = self.settings.template_rate
        if rate > 0:
            assert self._template is not None
            new = self._template_features(to_rgb(image))
            # the features that correlation-fusion keeps are linear in the template's too
            self._template = tuple(
                (1 - rate) * old + rate * now for old, now in zip(self._template, new, strict=True)
            )

    def _template_features(self, image: Image) -> tuple[torch.Tensor, ...]:
        """Return the network's features of the template crop around the target."""
        side, fill = NETWORK_CROP.template_side(*self._size), channel_mean(image)
        center = (float(self._center[0]), float(self._center[1]))
        crop = crop_square(image, center=center, side=side, size=TEMPLATE_SIZE, fill=fill)
        with torch.inference_mode():
            return self._network.template(torch.from_numpy(crop[None]).to(self._device))

    def _measure(self, image: Image) -> None:
        self._frame_size = np.array(image.shape[1::-1], np.float64)
        self._search_side = NETWORK_CROP.search_side(*self._size)


def to_rgb(image: NDArray[np.uint8]) -> Image:
    """Return the image as (H, W, 3) RGB: grey is repeated, the fourth channel of RGBA dropped.

    Raises:
        ValueError: Another shape, another type than uint8, or no pixels.
    """
    if image.dtype != np.uint8 or image.size == 0 or image.ndim not in (2, 3):
        raise ValueError(
            f"an image of shape {image.shape} and type {image.dtype}, expected (H, W, 3) uint8"
        )
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] not in (1, 3, 4):
        raise ValueError(f"an image of shape {image.shape}, expected 1, 3 or 4 channels")
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])


def check_box(box_xywh: NDArray[np.float64]) -> Floats:
    """Return a copy of the box as (4,) float64.

    Raises:
        ValueError: It is not four finite numbers, or has no area.
    """
    box = np.array(box_xywh, np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise ValueError(
            f"init: box_xywh is {np.asarray(box_xywh).tolist()}, expected four finite numbers "
            "left, top, width, height with an area"
        )
    return box
