"""Follow one target: ``init(image, box_xywh)`` on the first frame, then ``update(image)``."""

import numpy as np
import torch
from numpy.typing import NDArray

from model.backbone import Features
from model.network import Network
from model.weights import PRETRAINED, load_model
from tracking.crop_network import CropNetwork, Precision, mix
from tracking.decoders import DECODERS
from tracking.decoders.base import Decoder, Floats, Settings
from tracking.interface import Prediction
from tracking.target import Target


class Tracker:
    """Follow a target with a trained network.

    `update` runs `search_crops`, `respond`, `move` and `renew`, which can be timed separately.

    Args:
        network: Network with any head; it is put into evaluation mode.
        settings: Settings of the head's decoder; None takes the defaults.
        precision: Precision of the network's convolutions.
    """

    def __init__(
        self,
        network: Network,
        settings: Settings | None = None,
        *,
        precision: Precision = "float32",
    ) -> None:
        decoder = DECODERS[network.config.head]
        self.settings = decoder.settings_class() if settings is None else settings
        if not isinstance(self.settings, decoder.settings_class):
            raise ValueError(
                f"the network's head is {network.config.head!r}, but the settings are "
                f"{type(self.settings).__name__}; pass {decoder.settings_class.__name__}"
            )
        locations = network.head.locations.numpy().astype(np.float64)
        self.decoder: Decoder = decoder(self.settings, locations)
        self.network = CropNetwork(network, precision)
        self._target: Target | None = None
        self._template: Features = ()

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
        self._target = Target(self.decoder, image, box_xywh)
        self._template = self.network.template(self._target.template_crop()[None])
        self._target.calibrate([self.respond(c) for c in self._target.calibration_crops()])

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Find the target in the next frame.

        Raises:
            ValueError: `init` was not called, or the image is not one.
            WeightsError: The network returned NaN.
        """
        prediction = self.move(self.respond(self.search_crops(image)))
        self.renew()
        return prediction

    def search_crops(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (N, 255, 255, 3) search crops around the last position, one per scale."""
        return self._started.search_crops(image)

    def respond(self, crops: NDArray[np.uint8]) -> dict[str, Floats]:
        """Return the network's outputs for the search crops, N rows each."""
        outputs = self.network.search(crops[None], self._template)
        return {name: value[0] for name, value in outputs.items()}

    def move(self, outputs: dict[str, Floats]) -> Prediction:
        """Move the target by the network's outputs and return the prediction."""
        return self._started.move(outputs)

    def renew(self) -> None:
        """Mix the features at the target's new position into the template, by `template_rate`."""
        rate = self.settings.template_rate
        if rate > 0:
            new = self.network.template(self._started.template_crop()[None])
            self._template = mix(self._template, new, rate)

    @property
    def _started(self) -> Target:
        if self._target is None:
            raise ValueError("update before init: call init with the first frame and its box")
        return self._target
