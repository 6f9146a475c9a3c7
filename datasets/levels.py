"""Images of more than 8 bits: the values that become black and white.

Thermal cameras store counts, 14 bits of 16 or kelvins as floats, of which a scene fills a small
part. Their range becomes 0 to 255. All images of a folder, which is one video, have the same range:
a range per image would flicker. It depends on the files alone, so that the build, the tracker and
all of their processes see the same pixels.
"""

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.files.folders import RawFiles
from datasets.image_headers import check_size

logger = logging.getLogger(__name__)

_SAMPLE = 16
"""Number of images per folder that are measured, evenly spread."""
_MOST_VALUES = 1 << 18
"""Number of values per image that are measured, evenly spread."""
_SHARES = (0.1, 99.9)
"""Percentiles that become black and white: dead pixels must not take the whole range."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TOLD: set[str] = set()
"""Roots with a logged warning."""


class Levels(NamedTuple):
    """The values that become 0 and 255."""

    black: float
    white: float


FindLevels = Callable[[], Levels | None]
"""Returns the range of a video, or None if unknown; called for deep images only."""


def decode_deep(data: bytes, *, reduce: int, levels: FindLevels | None) -> NDArray[np.uint8] | None:
    """Return an image of more than 8 bits as (H, W, 3) uint8 RGB; None for any other content.

    Args:
        data: The file's content.
        reduce: 1, 2, 4 or 8: return it at that fraction of the size.
        levels: Returns the range that becomes 0 to 255; None uses that of the image.
    """
    values = _deep_values(data)
    if values is None:
        return None
    of_video = levels() if levels is not None else None
    black, white = of_video or _measure([_thinned(values)])
    scaled = (values.astype(np.float32) - black) * (255 / (white - black))
    image = np.nan_to_num(np.round(scaled)).clip(0, 255).astype(np.uint8)
    if reduce > 1:
        height, width = image.shape[:2]
        image = np.pad(image, ((0, -height % reduce), (0, -width % reduce), (0, 0)), mode="edge")
        size = (image.shape[1] // reduce, image.shape[0] // reduce)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return image


def levels_of(files: RawFiles, name: str) -> FindLevels:
    """Return a function that finds the range of an image's folder, which is measured once."""
    assert isinstance(files, Hashable)  # by identity, as its index of archives is
    folder, _, file_name = name.rpartition("/")
    return partial(_folder_levels, files, folder, file_name.rpartition(".")[2])


@lru_cache(maxsize=4096)
def _folder_levels(files: RawFiles, folder: str, suffix: str) -> Levels | None:
    sample = list(_sample(files, folder, suffix))
    if not sample:
        return None
    levels = _measure(sample)
    if files.root not in _TOLD:
        _TOLD.add(files.root)
        logger.warning(
            "%s: images of more than 8 bits, such as those in %s: %g becomes black and %g white. "
            "Each folder of images has one such range",
            *(files.root, files.where(folder), levels.black, levels.white),
        )
    return levels


def _sample(files: RawFiles, folder: str, suffix: str) -> Iterator[NDArray[Any]]:
    """Yield values of some of a folder's images; unreadable ones are reported elsewhere."""
    names = [name for name in files.list(folder) if name.endswith(suffix)]
    for index in sorted({len(names) * step // _SAMPLE for step in range(_SAMPLE)}):
        try:
            data = files.read(f"{folder}/{names[index]}".lstrip("/"))
            check_size(data)
            values = _deep_values(data)
        except ValueError:
            continue
        if values is not None:
            yield _thinned(values)


def _deep_values(data: bytes) -> NDArray[Any] | None:
    """Return the (H, W, 3) RGB values of an image whose channels have more than 8 bits."""
    is_deep_png = data[:4] == b"\x89PNG" and data[24:25] == b"\x10"
    if not is_deep_png and data[:4] not in _TIFF:
        return None
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype == np.uint8:
        return None
    if values.ndim == 2 or values.shape[2] < 3:  # grey, or grey and alpha
        return np.repeat(values.reshape(*values.shape[:2], -1)[..., :1], 3, axis=2)
    return np.asarray(values[..., 2::-1])


def _thinned(values: NDArray[Any]) -> NDArray[Any]:
    return values.ravel()[:: max(1, values.size // _MOST_VALUES)].copy()


def _measure(images: Iterable[NDArray[Any]]) -> Levels:
    values = np.concatenate([*images, np.zeros(0)])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Levels(0.0, 1.0)
    black, white = np.percentile(values, _SHARES)
    if black == white:
        black, white = values.min(), values.max()
    return Levels(float(black), float(white) if white > black else float(black) + 1)
