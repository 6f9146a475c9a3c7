"""One target: the crops that show it, and how the network's outputs move it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.crops import NETWORK_CROP, channel_mean, crop_square
from datasets.images import Image
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from model.weights import WeightsError
from tracking.decoders.base import Decoder, Floats
from tracking.interface import Prediction, check_box, to_rgb


class Target:
    """Position and size of a target; computes everything of tracking but the network.

    Args:
        decoder: Decoder of the network's head.
        image: (H, W, 3) uint8 RGB; grey and RGBA as in `to_rgb`.
        box_xywh: (4,) left, top, width, height in pixels; it may reach over the frame's edge.

    Raises:
        ValueError: The box is not finite or has no area, or the image is not one.
    """

    def __init__(
        self, decoder: Decoder, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]
    ) -> None:
        image, box = to_rgb(image), check_box(box_xywh)
        self._decoder = decoder
        self._center = box[:2] + box[2:] / 2
        self._size = box[2:].copy()
        frame_size = np.array(image.shape[1::-1], np.float64)
        self._limits = decoder.side_limits(self._size, frame_size)
        self._frame = 0
        self._measure(image)

    def calibration_crops(self) -> list[NDArray[np.uint8]]:
        """Return crops of the first frame, (1, 255, 255, 3) each, for `calibrate`; maybe none."""
        sides = self._search_side * self._decoder.calibration_zooms
        return [self._crop(float(side), SEARCH_SIZE)[None] for side in sides]

    def calibrate(self, answers: Sequence[Mapping[str, Floats]]) -> None:
        """Adapt the decoder to the network's outputs for the `calibration_crops`.

        Raises:
            WeightsError: The network returned NaN.
        """
        for outputs in answers:
            self._check(outputs)
        sides = self._search_side * self._decoder.calibration_zooms
        sizes = self._size * SEARCH_SIZE / sides[:, None]
        self._decoder = self._decoder.calibrate(answers, sizes)

    def template_crop(self) -> Image:
        """Return the (127, 127, 3) crop around the target in the last frame."""
        return self._crop(NETWORK_CROP.template_side(*self._size), TEMPLATE_SIZE)

    def search_crops(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (N, 255, 255, 3) crops of the next frame around the last position, by scale.

        Raises:
            ValueError: The image is not one.
        """
        self._measure(to_rgb(image))
        sides = self._search_side * self._decoder.scales
        return np.stack([self._crop(float(side), SEARCH_SIZE) for side in sides])

    def move(self, outputs: Mapping[str, Floats]) -> Prediction:
        """Move the target by the network's outputs for the search crops.

        Args:
            outputs: N rows each.

        Raises:
            WeightsError: The network returned NaN.
        """
        self._frame += 1
        self._check(outputs)
        scale = SEARCH_SIZE / self._search_side  # crop px per image px
        size_in_search = (float(self._size[0] * scale), float(self._size[1] * scale))
        motion = self._decoder.decode(outputs, size_in_search)
        shift_in_image = np.array(motion.shift_in_search) / scale
        frame_size = np.array(self._image.shape[1::-1], np.float64)
        self._center = np.clip(self._center + shift_in_image, 0.0, frame_size)
        self._size = np.clip(np.array(motion.size_in_search) / scale, *self._limits)
        box_xywh = np.concatenate([self._center - self._size / 2, self._size])
        return Prediction(box_xywh=box_xywh, score=motion.score)

    def _check(self, outputs: Mapping[str, Floats]) -> None:
        damaged = [name for name, value in outputs.items() if np.isnan(value).any()]
        if damaged:
            raise WeightsError(
                f"frame {self._frame}: the network's {damaged} hold NaN for a valid crop. The "
                "weights are damaged or training diverged; check them before tracking"
            )

    def _measure(self, image: Image) -> None:
        self._image, self._fill = image, channel_mean(image)
        self._search_side = NETWORK_CROP.search_side(*self._size)

    def _crop(self, side: float, size: int) -> Image:
        center = (float(self._center[0]), float(self._center[1]))
        return crop_square(self._image, center=center, side=side, size=size, fill=self._fill)
