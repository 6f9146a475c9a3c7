"""From bytes to the augmented crops of a batch, for every kind of access.

Workers import this file, so it does without torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from simplejpeg import decode_jpeg

from sampling.apply import apply_change
from sampling.augment import AugmentSettings, Change, draw_changes
from sampling.pair_index import has_background
from sampling.pixels.cut import Image, Window, cut_window
from sampling.rng import pair_numbers

ReadCrop = Callable[[int, int, int, int], bytes]
"""(shard, offset, num_bytes, crc32) to a JPEG's bytes; ValueError or OSError if it cannot."""
CropRange = tuple[int, int, int, int]
"""The same four values."""


class Failure(NamedTuple):
    """A pair that could not be made."""

    number: int
    """Position in the batch."""
    role: str
    """``"template"``, ``"search"`` or ``"background"``: which crop is bad."""
    message: str


class BatchArrays(NamedTuple):
    """The memory of a batch."""

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
        """Write the pairs of ``records`` (`sampling.pair_index.PAIR`) to the start of ``out``.

        Returns:
            The pairs that could not be made; their part of ``out`` is undefined.
        """
        failures = []
        crops = StoredCrops(self.stored_px, read)
        changes = self.changes(records, epoch=epoch)
        for number, (record, change) in enumerate(zip(records.tolist(), changes, strict=True)):
            _, template, search, background, target_size, _ = record
            crops.open(template, search, background, gray=change.gray)
            try:
                out.boxes_xyxy[number] = apply_change(
                    change,
                    crops.cut,
                    target_size,
                    search_px=self.stored_px[search[0]][1],
                    template=out.template[number],
                    search=out.search[number],
                )
            except (ValueError, OSError) as error:
                message = getattr(error, "strerror", None) or str(error)
                failures.append(Failure(number, crops.role, message))
        return failures

    def changes(self, records: NDArray[np.void], *, epoch: int) -> list[Change]:
        """Return the change of each pair."""
        stored_px = np.array(self.stored_px, np.int64)
        background_px = stored_px[records["background"]["shard"], 1]
        return draw_changes(
            self.augment,
            pair_numbers(self.seed, epoch, records["pair"], blocks=self.augment.num_blocks),
            template_px=stored_px[records["template"]["shard"], 0],
            search_px=stored_px[records["search"]["shard"], 1],
            background_px=np.where(has_background(records), background_px, 0),
        )


class StoredCrops:
    """The stored crops of one pair after another, decoded through memory that is used again.

    Args:
        stored_px: Per shard, the sides of its template and search crops as stored.
        read: Reads the bytes.
    """

    def __init__(self, stored_px: Sequence[tuple[int, int]], read: ReadCrop) -> None:
        self._stored_px = stored_px
        self._read = read
        self._memory = np.empty(max(map(max, stored_px)) ** 2 * 3, np.uint8)
        self._ranges: dict[str, CropRange] = {}
        self._gray = False
        self.role = ""
        """The crop that was cut last."""

    def open(
        self, template: CropRange, search: CropRange, background: CropRange, *, gray: bool
    ) -> None:
        """Go to another pair."""
        self._ranges = {"template": template, "search": search, "background": background}
        self._gray = gray

    def cut(self, role: str, window: Window, flip: bool, out: Image) -> None:
        """Decode a stored crop and write a window of it, resampled, to ``out``.

        Raises:
            ValueError: The bytes are no JPEG, or one of another size than the manifest states.
            OSError: They cannot be read.
        """
        self.role = role
        stored, size = self._ranges[role], out.shape[0]
        stored_px = self._stored_px[stored[0]][role != "template"]
        data = self._read(*stored)
        if not self._gray and not flip and window == (0, 0, size, size) and size == stored_px:
            _decode(data, stored_px, memory=out)
            return
        # colours that are resampled next need no smooth enlargement first: it costs 6% of decoding
        fast = window[2:] != (size, size)
        image = _decode(data, stored_px, memory=self._memory, gray=self._gray, fast=fast)
        cut_window(image, window, size, gray=self._gray, flip=flip, out=out)


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
        memory: Written to.
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
