"""Text files with numbers: any delimiter, either line end, errors that name the line."""

import io
import math

import numpy as np
from numpy.typing import NDArray

from datasets.tracks import SourceError

_DELIMITERS = str.maketrans(",;\t", "   ")


def decode_text(data: bytes, *, where: str) -> str:
    """Return a text file's content; a byte order mark is dropped.

    Raises:
        SourceError: It is no text.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{where}: not a text file, expected lines of numbers") from None


def parse_boxes(text: str, *, where: str) -> NDArray[np.float64]:
    """Return (T, 4) boxes, one per line; ``NaN`` is a number too.

    Raises:
        SourceError: A line does not hold four numbers, or there is none.
    """
    plain = text.translate(_DELIMITERS)
    try:
        boxes = np.loadtxt(io.StringIO(plain), ndmin=2) if plain.strip() else np.empty((0, 0))
    except ValueError:
        boxes = np.empty((0, 0))
    if len(boxes) == 0 or boxes.shape[1] != 4 or np.isinf(boxes).any():
        rows = [parse_row(line, where=where, line=n) for n, line in _lines(text)]
        for (number, _), row in zip(_lines(text), rows, strict=True):
            if len(row) != 4:
                raise SourceError(
                    f"{where}:{number}: {len(row)} numbers, expected 4: left, top, width, height"
                )
        if not rows:
            raise SourceError(f"{where}: empty, expected one box per line")
        boxes = np.array(rows)
    return boxes


def parse_row(text: str, *, where: str, line: int) -> list[float]:
    """Return the numbers of one line.

    Raises:
        SourceError: Something in it is not a number.
    """
    values = []
    for word in text.translate(_DELIMITERS).split():
        try:
            values.append(float(word))
        except ValueError:
            raise SourceError(f"{where}:{line}: {word!r} is not a number") from None
        if math.isinf(values[-1]):
            raise SourceError(f"{where}:{line}: {word!r}, expected finite numbers or NaN")
    return values


def parse_flags(text: str, *, where: str) -> NDArray[np.bool_]:
    """Return (T,) flags, written as 0 and 1 on one line or on one line each.

    Raises:
        SourceError: Something else than 0 and 1 is there.
    """
    values = [value for n, line in _lines(text) for value in parse_row(line, where=where, line=n)]
    if not set(values) <= {0.0, 1.0}:
        found = sorted(set(values) - {0.0, 1.0})
        raise SourceError(f"{where}: holds {found[0]:g}, expected only the flags 0 and 1")
    return np.array(values, dtype=bool)


def _lines(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
