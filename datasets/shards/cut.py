"""Cutting the crop pairs of all targets of one frame from its bytes."""

from collections import Counter
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.crops import box_center, channel_mean, crop_square
from datasets.filters import Filters, frame_tests
from datasets.images import Image, check_image, decode_image
from datasets.levels import FindLevels
from manifests.crop_spec import CropSpec

Box = NDArray[np.float64]


class FrameCutter:
    """Cuts the targets of one frame, which is decoded once, as small as they allow."""

    def __init__(
        self,
        data: bytes,
        boxes_xywh: Sequence[Box],
        *,
        stated_size: tuple[int, int] | None,
        crop: CropSpec,
        levels: FindLevels | None = None,
    ) -> None:
        """Decode the frame.

        Args:
            data: The image file's content.
            boxes_xywh: (4,) left, top, width, height in image pixels, one per target.
            stated_size: Width and height according to the annotation; None if it has none.
            crop: Sizes and scale of the crops.
            levels: As for `decode_image`.

        Raises:
            ValueError: The content is damaged, too large, or of another size than stated.
        """
        self.frame_size = check_image(data)
        if stated_size is not None and stated_size != self.frame_size:
            raise ValueError(
                f"the image is {_times(self.frame_size)} px, but its annotation is for "
                f"{_times(stated_size)}"
            )
        self._boxes = boxes_xywh
        self._crop = crop
        # The smallest decoded size without enlarging any target's crop.
        self._reduce = min(reduction(box, crop) for box in boxes_xywh)
        image = decode_image(data, reduce=self._reduce, strict=True, levels=levels)
        self._images = {self._reduce: image}
        self._fill = channel_mean(image)

    def pairs(
        self, filters: Filters, dropped: Counter[str]
    ) -> Iterator[tuple[int, tuple[Image, Image]]]:
        """Yield each target's index and its template and search crop.

        Args:
            filters: Limits on the share of the frame that a target fills.
            dropped: Targets outside of the frame or beyond the limits are counted here, by reason.
        """
        boxes_xywh = np.stack(self._boxes)
        sizes = np.tile(np.array(self.frame_size, dtype=np.float64), (len(boxes_xywh), 1))
        failed = frame_tests(boxes_xywh, sizes, filters)
        for index, box in enumerate(self._boxes):
            reason = next((name for name, test in failed.items() if test[index]), None)
            if reason is not None:
                dropped[reason] += 1
            else:
                yield index, self._cut(box)

    def _cut(self, box: Box) -> tuple[Image, Image]:
        crop = self._crop
        reduce = reduction(box, crop)
        image = self._reduced(reduce)
        center = box_center(box / reduce)
        size = crop.stored_search
        side = crop.template_side(float(box[2]), float(box[3])) * size / crop.template / reduce
        search = crop_square(image, center=center, side=side, size=size, fill=self._fill)
        # Both windows have one centre and one scale, so the template's pixels are the inner ones.
        border = (crop.search - crop.template) // 2
        inner = slice(border, -border)
        return search[inner, inner], search

    def _reduced(self, reduce: int) -> Image:
        """Return the frame at a fraction of its size, shared by the larger targets."""
        if reduce not in self._images:
            image = self._reduced(reduce // 2)
            height, width = image.shape[:2]
            if height % 2 or width % 2:
                image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            half = (image.shape[1] // 2, image.shape[0] // 2)
            smaller = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
            self._images[reduce] = np.asarray(smaller, dtype=np.uint8)
        return self._images[reduce]


def reduction(box_xywh: Box, crop: CropSpec) -> int:
    """Return the largest reduction, 1 to 8, without enlarging the target's crops."""
    step = 1 / crop.scale(float(box_xywh[2]), float(box_xywh[3]))
    return next(factor for factor in (8, 4, 2, 1) if factor <= max(step, 1))


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
