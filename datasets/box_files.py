"""Text files of boxes, flags and other numbers: one reader for sources, benchmarks and results.

One row per line, its numbers separated by commas, semicolons, tabs or blanks; any line end; UTF-8
with or without a byte order mark, or UTF-16 with one, as editors on Windows write. Errors name the
line. Blank lines are allowed at the end of a file only: between rows, one may be a lost box.
"""

import codecs
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from datasets.files.folders import RawFiles
from datasets.tracks import SourceError

_DELIMITERS = str.maketrans(",;\t", "   ")
_EMPTY_CELLS = (",,", ";;", ",;", ";,")


def decode_text(data: bytes, *, where: str) -> str:
    """Return a text file's content; a byte order mark is dropped.

    Raises:
        SourceError: It is not a text file.
    """
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(
            f"{where}: not a text file in UTF-8. Save it as UTF-8, or copy it again"
        ) from None
    if "\0" in text:
        raise SourceError(
            f"{where}: not a text file, or UTF-16 without a byte order mark. Save it as UTF-8, or "
            "copy it again"
        )
    return text.replace("\r\r\n", "\n")  # a line end converted twice


def read_text(files: RawFiles, name: str) -> str:
    """Return the content of a text file below a root; see `decode_text`."""
    return decode_text(files.read(name), where=files.where(name))


def read_box_file(path: Path) -> NDArray[np.float64]:
    """Return the (T, 4) boxes of a local file with one box per line, as they are written.

    Raises:
        SourceError: It is missing, empty, or a line does not hold four numbers.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file, expected one box per line") from None
    return parse_boxes(decode_text(data, where=str(path)), where=str(path))


def read_one_based_boxes(files: RawFiles, name: str) -> NDArray[np.float64]:
    """Return the boxes of a file that counts pixels from 1, counted from 0.

    Args:
        files: The raw root.
        name: File of lines ``x,y,w,h``; ``NaN`` is a number here, and means no box.

    Returns:
        (T, 4) left, top, width, height in pixels, origin at the image's top-left corner.

    Raises:
        SourceError: A line does not hold four numbers; the message has its line number.
    """
    rows = parse_boxes(read_text(files, name), where=files.where(name))
    rows[:, :2] -= 1  # pixel 1 is the first one, and its left edge is at 0
    return rows


def read_flags(files: RawFiles, name: str) -> NDArray[np.bool_]:
    """Return the 0/1 flags of a file; see `parse_flags`."""
    return parse_flags(read_text(files, name), where=files.where(name))


def parse_boxes(
    text: str, *, where: str, widths: Sequence[int] = (4,), what: str = "left, top, width, height"
) -> NDArray[np.float64]:
    """Return the boxes of a text, one per line; ``NaN`` is allowed.

    Args:
        text: The file's content.
        where: Name for errors, such as the file.
        widths: Allowed numbers per line; all lines have the same.
        what: Meaning of the numbers, for errors.

    Returns:
        (T, W) numbers, W being one of ``widths``.

    Raises:
        SourceError: A line has another number of values, or the text is empty.
    """
    lines = text.translate(_DELIMITERS).rstrip().splitlines()
    if not lines:
        raise SourceError(f"{where}: empty, expected one box per line")
    try:
        rows = np.loadtxt(lines, ndmin=2, comments=None)
    except ValueError:
        rows = np.empty((0, 0))
    is_whole = rows.shape[1] in widths and len(rows) == len(lines) and not np.isinf(rows).any()
    if is_whole and not any(cells in text for cells in _EMPTY_CELLS):
        return rows
    return _parse_slowly(text.rstrip(), where, widths, what)


def parse_box(text: str, *, where: str) -> list[float]:
    """Return the four numbers of one box.

    Raises:
        SourceError: There are not four numbers.
    """
    row = parse_row(text, where=where)
    if len(row) != 4:
        raise SourceError(f"{where}: {len(row)} numbers, expected 4: left, top, width, height")
    return row


def parse_row(text: str, *, where: str, advice: str = "") -> list[float]:
    """Return the numbers of one line.

    Args:
        text: The line.
        where: Name for errors, such as file and line.
        advice: End of the error, such as the expected number of values.

    Raises:
        SourceError: A value is not a number.
    """
    if any(cells in text for cells in _EMPTY_CELLS):
        raise SourceError(f"{where}: {text.strip()[:60]!r} has an empty place{advice}")
    values = []
    for word in text.translate(_DELIMITERS).split():
        try:
            values.append(_number(word))
        except ValueError:
            raise SourceError(f"{where}: {word[:60]!r} is not a number{advice}") from None
        if math.isinf(values[-1]):
            raise SourceError(f"{where}: {word[:60]!r}, expected finite numbers or NaN{advice}")
    return values


def parse_rows(text: str, *, where: str, advice: str = "") -> dict[int, list[float]]:
    """Return the numbers of each line by line number from 1, without empty lines.

    Raises:
        SourceError: A value is not a number; the message has ``where`` and the line.
    """
    return {
        number: parse_row(line, where=f"{where}:{number}", advice=advice)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    }


def parse_flags(text: str, *, where: str) -> NDArray[np.bool_]:
    """Return (T,) flags, written as 0 and 1 on one line or on one line each.

    Raises:
        SourceError: A value is neither 0 nor 1, or there is none.
    """
    words = np.array(text.translate(_DELIMITERS).split() or [""])
    flags = np.asarray(words == "1")
    if not (flags | (words == "0")).all():  # also 0.0 and 1.0, which are rare
        values = np.array(
            [value for row in parse_rows(text, where=where).values() for value in row]
        )
        flags = values == 1
        wrong = np.flatnonzero(~flags & (values != 0))
        if wrong.size or not values.size:
            problem = f"value {wrong[0] + 1} is {str(words[wrong[0]])!r}" if wrong.size else "empty"
            raise SourceError(f"{where}: {problem}, expected 0 or 1. Get the file again")
    return flags


def has_area(boxes_xywh: ArrayLike) -> NDArray[np.bool_]:
    """Return (...) True where a box (..., 4) is finite and has an area."""
    boxes = np.asarray(boxes_xywh, dtype=np.float64)
    return np.asarray(np.isfinite(boxes).all(axis=-1) & (boxes[..., 2:] > 0).all(axis=-1))


def check_num_rows(files: RawFiles, name: str, num_rows: int, expected: int, what: str) -> None:
    """Raise SourceError unless an annotation file has the expected number of entries."""
    if num_rows != expected:
        raise SourceError(
            f"{files.where(name)}: {num_rows} entries, expected {expected}, {what}. The copy is "
            "incomplete or changed: get it again"
        )


def check_last_image(
    files: RawFiles, name: str, num_rows: int, image_name: Callable[[int], str]
) -> None:
    """Raise SourceError unless a folder has images 1 to ``num_rows`` and no others.

    Only the last image and the one after it are checked: a gap shows when the image is read, and
    listing every folder would take minutes on an object store.
    """
    for number, expected in ((num_rows, True), (num_rows + 1, False)):
        if files.exists(image_name(number)) != expected:
            raise SourceError(
                f"{files.where(name)}: {num_rows} lines, but {image_name(number)} "
                f"{'does not exist' if expected else 'exists'}, expected one line for each image. "
                "The copy is incomplete or changed: get it again"
            )


def _number(word: str) -> float:
    if "_" in word or not word.isascii():
        raise ValueError("Python reads 1_000 and the digits of other scripts, NumPy does not")
    return float(word)


def _parse_slowly(text: str, where: str, widths: Sequence[int], what: str) -> NDArray[np.float64]:
    """Parse line by line, for errors with the line number, which NumPy's lack."""
    numbers = (
        " or ".join(map(str, widths)) + " numbers" + (" in every line" if len(widths) > 1 else "")
    )
    advice = f", expected {numbers}: {what}. Correct the line, or get the file again"
    rows = parse_rows(text, where=where, advice=advice)
    width = len(next(iter(rows.values())))
    for number, row in rows.items():
        if len(row) not in widths or len(row) != width:
            raise SourceError(f"{where}:{number}: {len(row)} numbers{advice}")
    blank = next((n for n in range(1, max(rows)) if n not in rows), None)
    if blank is not None:
        raise SourceError(f"{where}:{blank}: a blank line between others{advice}")
    return np.array(list(rows.values()))
