"""The one way to make pairs: bytes to augmented crops in a batch, for every kind of access.

Imported by workers, so it does without torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.augment import (
    AugmentSettings,
    Change,
    Image,
    cut_window,
    draw_change,
    finish_crop,
    move_box,
    no_change,
)
from sampling.rng import pair_rng

ReadCrop = Callable[[int, int, int, int], bytes]
"""(shard, offset, num_bytes, crc32) to a JPEG's bytes; ValueError or OSError if it cannot."""


class Failure(NamedTuple):
    """A pair that could not be made."""

    place: int
    """Where in the batch."""
    role: str
    """``"template"`` or ``"search"``: which crop is bad."""
    message: str


class BatchArrays(NamedTuple):
    """Where a batch is written to."""

    template: NDArray[np.uint8]
    """(B, 127, 127, 3) RGB."""
    search: NDArray[np.uint8]
    """(B, 255, 255, 3) RGB."""
    boxes_xyxy: NDArray[np.float32]
    """(B, 4) the target in the search crop, edge coordinates."""

    def part(self, chosen: slice) -> "BatchArrays":
        """Return some pairs, in the same memory."""
        return BatchArrays(self.template[chosen], self.search[chosen], self.boxes_xyxy[chosen])

    def copy(self) -> "BatchArrays":
        """Return the pairs in memory of their own."""
        return BatchArrays(self.template.copy(), self.search.copy(), self.boxes_xyxy.copy())


@dataclass(frozen=True, kw_only=True, slots=True)
class PairMaker:
    """Turns records into pixels; equal records give equal pixels in every process."""

    stored_px: Sequence[tuple[int, int]]
    """Per shard, the sides of its template and search crops as stored."""
    augment: AugmentSettings
    seed: int

    def make(
        self, records: NDArray[np.void], read: ReadCrop, *, epoch: int, out: BatchArrays
    ) -> list[Failure]:
        """Write the pairs of ``records`` (`sampling.records.PAIR`) to the start of ``out``.

        Returns:
            The pairs that could not be made; their place in ``out`` is undefined.
        """
        failures = []
        for index, (pair, template, search, target_size, _) in enumerate(records.tolist()):
            role = "template"
            change = self._change(epoch, pair, template[0], search[0])
            try:
                crop = decode_crop(read(*template), change, self.stored_px[template[0]][0])
                part = cut_window(crop, change.template, TEMPLATE_SIZE)
                finish_crop(part, change, out.template[index])
                role = "search"
                search_px = self.stored_px[search[0]][1]
                crop = decode_crop(read(*search), change, search_px)
                part = cut_window(crop, change.search, SEARCH_SIZE)
                finish_crop(part, change, out.search[index])
            except (ValueError, OSError) as error:
                failures.append(Failure(index, role, str(error)))
                continue
            out.boxes_xyxy[index] = move_box(target_size, change, search_px=search_px)
        return failures

    def _change(self, epoch: int, pair: int, template_shard: int, search_shard: int) -> Change:
        template_px, search_px = self.stored_px[template_shard][0], self.stored_px[search_shard][1]
        if not self.augment.enabled:
            return no_change(template_px=template_px, search_px=search_px)
        rng = pair_rng(self.seed, epoch, pair)
        return draw_change(self.augment, rng, template_px=template_px, search_px=search_px)


def decode_crop(data: bytes, change: Change, stored_px: int) -> Image:
    """Decode a stored crop, in grayscale where the pair will be: that skips the colours' planes.

    Raises:
        ValueError: It is no image, or of another size than the manifest states.
    """
    flags = cv2.IMREAD_GRAYSCALE if change.gray else cv2.IMREAD_COLOR_RGB
    image: Image | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise ValueError(f"{len(data)} bytes that no image decoder reads")
    if image.shape[:2] != (stored_px, stored_px):
        raise ValueError(
            f"a crop of {image.shape[1]} x {image.shape[0]} px, expected {stored_px} x {stored_px}"
        )
    return image
