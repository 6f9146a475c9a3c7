"""The one way to make pairs: bytes to augmented crops in a batch, for every kind of access.

Imported by workers, so it does without torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from simplejpeg import decode_jpeg

from sampling.augment import (
    AugmentSettings,
    Change,
    Image,
    Window,
    cut_window,
    draw_changes,
    move_box,
)
from sampling.rng import pair_numbers

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
        stored_px = np.array(self.stored_px, np.int64)
        changes = draw_changes(
            self.augment,
            pair_numbers(self.seed, epoch, records["pair"]),
            template_px=stored_px[records["template"]["shard"], 0],
            search_px=stored_px[records["search"]["shard"], 1],
        )
        decoder = CropDecoder(int(stored_px.max()))
        for place, (record, change) in enumerate(zip(records.tolist(), changes, strict=True)):
            _, template, search, target_size, _ = record
            template_px, search_px = self.stored_px[template[0]][0], self.stored_px[search[0]][1]
            role = "template"
            try:
                decoder.make(
                    read(*template), template_px, change, change.template, out.template[place]
                )
                role = "search"
                decoder.make(read(*search), search_px, change, change.search, out.search[place])
            except (ValueError, OSError) as error:
                failures.append(Failure(place, role, str(error)))
                continue
            out.boxes_xyxy[place] = move_box(target_size, change, search_px=search_px)
        return failures


class CropDecoder:
    """Decodes crops through memory that is used again.

    Args:
        largest_px: Side of the largest stored crop.
    """

    def __init__(self, largest_px: int) -> None:
        self._memory = np.empty(largest_px * largest_px * 3, np.uint8)

    def make(self, data: bytes, stored_px: int, change: Change, window: Window, out: Image) -> None:
        """Decode a stored crop and write what is left of it after its change to ``out``.

        Raises:
            ValueError: The bytes are no JPEG, or one of another size than the manifest states.
        """
        size = out.shape[0]
        if not change.gray and not change.flip and window == (0, 0, stored_px):
            _decode(data, stored_px, memory=out)
            return
        # colours that are resampled next need no smooth enlargement first: it costs 6% of decoding
        fast = window.side != size
        image = _decode(data, stored_px, memory=self._memory, gray=change.gray, fast=fast)
        cut_window(image, window, size, gray=change.gray, flip=change.flip, out=out)


def _decode(
    data: bytes,
    stored_px: int,
    *,
    memory: NDArray[np.uint8],
    gray: bool = False,
    fast: bool = False,
) -> Image:
    """Decode a JPEG into given memory.

    Args:
        data: The JPEG.
        stored_px: The side that it is expected to have.
        memory: Where to.
        gray: Skip the planes of colour.
        fast: Enlarge the planes of colour by repeating pixels.

    Returns:
        (stored_px, stored_px, 3) uint8 RGB, or (stored_px, stored_px, 1), in ``memory``.

    Raises:
        ValueError: The bytes are no JPEG, or one of another size.
    """
    colors = "GRAY" if gray else "RGB"
    image: Image = decode_jpeg(data, colors, fastupsample=fast, buffer=memory)
    if image.shape[:2] != (stored_px, stored_px):
        raise ValueError(
            f"a crop of {image.shape[1]} x {image.shape[0]} px, expected {stored_px} x {stored_px}"
        )
    return image
