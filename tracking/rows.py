"""Text files with numbers: any delimiter, either line end, errors that name the line."""

import io
import math
from collections.abc import Iterable
from pathlib import Path

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
        raise SourceError(f"{where}: not a text file. Copy it again") from None


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Return the (T, 4) boxes of a file with one box per line.

    Raises:
        SourceError: It is missing, empty, or a line does not hold four numbers.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file, expected one box per line") from None
    return parse_boxes(decode_text(data, where=str(path)), where=str(path))


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
        rows = [parse_box(line, where=f"{where}:{number}") for number, line in _lines(text)]
        if not rows:
            raise SourceError(f"{where}: empty, expected one box per line")
        boxes = np.array(rows)
    return boxes


def parse_box(text: str, *, where: str) -> list[float]:
    """Return the four numbers of one box.

    Raises:
        SourceError: There are not four numbers.
    """
    row = parse_row(text, where=where)
    if len(row) != 4:
        raise SourceError(f"{where}: {len(row)} numbers, expected 4: left, top, width, height")
    return row


def parse_row(text: str, *, where: str) -> list[float]:
    """Return the numbers of one line.

    Args:
        text: The line.
        where: What an error names, such as file and line.

    Raises:
        SourceError: Something in it is not a number.
    """
    values = []
    for word in text.translate(_DELIMITERS).split():
        try:
            values.append(float(word))
        except ValueError:
            raise SourceError(f"{where}: {word!r} is not a number") from None
        if math.isinf(values[-1]):
            raise SourceError(f"{where}: {word!r}, expected finite numbers or NaN")
    return values


def parse_rows(text: str, *, where: str) -> dict[int, list[float]]:
    """Return the numbers of each line by the line's number, counted from 1; empty ones left out.

    Raises:
        SourceError: Something is not a number; ``where`` and the line are named.
    """
    return {n: parse_row(line, where=f"{where}:{n}") for n, line in _lines(text)}


def has_area(box_xywh: Iterable[float]) -> bool:
    """Tell whether four numbers are a box: finite, with a width and a height above 0."""
    x, y, width, height = box_xywh
    return all(map(math.isfinite, (x, y))) and 0 < width < math.inf and 0 < height < math.inf


def parse_flags(text: str, *, where: str) -> NDArray[np.bool_]:
    """Return (T,) flags, written as 0 and 1 on one line or on one line each.

    Raises:
        SourceError: Something else than 0 and 1 is there.
    """
    values = [value for row in parse_rows(text, where=where).values() for value in row]
    if not set(values) <= {0.0, 1.0}:
        found = sorted(set(values) - {0.0, 1.0})
        raise SourceError(f"{where}: holds {found[0]:g}, expected only the flags 0 and 1")
    return np.array(values, dtype=bool)


def _lines(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
