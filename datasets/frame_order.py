"""The images of a folder in time order: by the numbers in their names, padded or not.

In alphabetical order, 10.jpg comes before 2.jpg and 10000.jpg before 9999.jpg, and ground truth
would belong to other frames. All readers of folders of frames use this order.
"""

import re
from collections.abc import Iterable

from datasets.tracks import SourceError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_DIGITS = re.compile(r"([0-9]+)")


def is_image(name: str) -> bool:
    """Return True if a file name is that of an image; hidden files, as on Macs, are not."""
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def sort_frames(names: Iterable[str], *, where: str) -> list[str]:
    """Return the images among a folder's entries in time order.

    Args:
        names: The entries; files other than images are left out.
        where: Name of the folder for errors.

    Raises:
        SourceError: Two names differ in more than their numbers, or have the same numbers.
    """
    images = [name for name in names if is_image(name)]
    if not any(map(_DIGITS.search, images)):
        return sorted(images)
    keys: dict[tuple[int, ...], str] = {}
    patterns: dict[tuple[str, ...], str] = {}
    for name in sorted(images):
        parts = _DIGITS.split(name.rpartition(".")[0])
        patterns.setdefault(tuple(parts[::2]), name)
        key = tuple(map(int, parts[1::2]))
        if len(patterns) > 1:
            named = " and ".join(map(repr, patterns.values()))
            raise SourceError(
                f"{where}: frames named {named}, expected names that differ in their numbers only, "
                "or their order is unknown. Rename them, or move what is no frame"
            )
        if key in keys:
            raise SourceError(
                f"{where}: {keys[key]!r} and {name!r} have the same number, expected one image per "
                "frame. Remove one of the two copies"
            )
        keys[key] = name
    return [keys[key] for key in sorted(keys)]
