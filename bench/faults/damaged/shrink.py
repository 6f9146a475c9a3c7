"""Shrinking of a file that shows a failure to the parts that it needs."""

from collections.abc import Callable

_MOST_TRIES = 100


def shrink(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """Return a simpler file that still fails.

    Parts are removed, large ones first, for as long as there are tries left.

    Args:
        data: The damaged file.
        fails: Return True if a file shows the failure.
    """
    tries = _MOST_TRIES

    def still(candidate: bytes) -> bool:
        nonlocal tries
        tries -= 1
        return tries >= 0 and candidate != data and fails(candidate)

    size = len(data) // 2
    while size >= 1 and tries > 0:
        position = 0
        while position < len(data) and tries > 0:
            candidate = data[:position] + data[position + size :]
            if still(candidate):
                data = candidate
            else:
                position += size
        size //= 2
    return data
