"""Perceptual hashes: 64 bits that stay nearly the same when a picture is copied badly.

A hash holds the signs of the lowest frequencies of a 32 x 32 grey picture, so that re-encoding,
resizing and brightening change few bits, and mirroring changes known ones.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.image_headers import check_size
from datasets.levels import FindLevels, decode_deep

THUMB_PX = 32
_LOW = 8
_LEAST_DEVIATION = 6.0
_RUN = 4096
_REDUCED_GREY = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}

Grey = NDArray[np.uint8]
"""(H, W) uint8."""
Hashes = NDArray[np.uint64]
Thumbs = NDArray[np.uint8]


def decode_grey(data: bytes, *, reduce: int, levels: FindLevels | None = None) -> Grey:
    """Decode a JPEG or PNG without its colours, in five sixths of the time.

    Args:
        data: The file's content.
        reduce: 1, 2, 4 or 8: decode at that fraction of the size, as `datasets.crops` does.
        levels: As for `datasets.crops.decode_image`.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: The content is not an image that can be decoded, or too large.
    """
    check_size(data)
    if (deep := decode_deep(data, reduce=reduce, levels=levels)) is not None:
        return np.asarray(cv2.cvtColor(deep, cv2.COLOR_RGB2GRAY), np.uint8)
    flags = _REDUCED_GREY[reduce] | cv2.IMREAD_IGNORE_ORIENTATION
    grey: Grey | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if grey is None:
        raise ValueError(f"{len(data)} bytes that no image decoder reads")
    return grey


def thumb(grey: Grey, *, share: float = 1.0) -> Thumbs:
    """Return the (32, 32) picture of the central part of a square image.

    Args:
        grey: (S, S) uint8.
        share: Side of the central part as a share of the image's.
    """
    side = grey.shape[0]
    start = round(side * (1 - share) / 2)
    part = grey[start : side - start, start : side - start]
    small: Thumbs = cv2.resize(part, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
    return small


def hash_thumbs(thumbs: Thumbs) -> tuple[Hashes, Hashes]:
    """Return (N,) hashes of the pictures, and of the pictures mirrored left to right.

    Args:
        thumbs: (N, 32, 32) uint8.
    """
    basis = _cosines()  # (8 + 1, 32)
    column = np.append(np.tile(np.arange(_LOW), _LOW)[1:], _LOW)
    sign = np.where(column % 2, -1, 1).astype(np.float32)
    plain, mirrored = (np.zeros(len(thumbs), np.uint64) for _ in range(2))
    for part in _runs(len(thumbs)):
        spectrum = basis @ thumbs[part].astype(np.float32) @ basis.T  # (n, 9, 9)
        # The 63 lowest coefficients beside the mean, and one more to fill 64 bits.
        lowest = spectrum[:, :_LOW, :_LOW].reshape(-1, _LOW * _LOW)[:, 1:]
        chosen = np.concatenate([lowest, spectrum[:, :1, _LOW]], axis=1)  # (n, 64)
        plain[part], mirrored[part] = _pack(chosen), _pack(chosen * sign)
    return plain, mirrored


def has_detail(thumbs: Thumbs) -> NDArray[np.bool_]:
    """Return (N,) True where a picture has enough detail for its hash."""
    parts = [thumbs[part].std(axis=(1, 2)) for part in _runs(len(thumbs))]
    return np.concatenate([*parts, np.zeros(0)]) >= _LEAST_DEVIATION


def _runs(count: int) -> Iterator[slice]:
    """Yield runs of N pictures whose floats take some 20 MB."""
    for start in range(0, count, _RUN):
        yield slice(start, min(start + _RUN, count))


def _pack(values: NDArray[np.float32]) -> Hashes:
    bits = np.packbits(values > np.median(values, axis=1, keepdims=True), axis=1)  # (N, 8)
    return np.ascontiguousarray(bits).view(np.uint64)[:, 0]


def _cosines() -> NDArray[np.float32]:
    frequency, position = np.arange(_LOW + 1)[:, None], np.arange(THUMB_PX)[None, :]
    return np.cos(np.pi * frequency * (position + 0.5) / THUMB_PX).astype(np.float32)
