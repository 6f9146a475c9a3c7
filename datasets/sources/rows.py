"""Annotation files of plain numbers: one row a line, separated by commas."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from datasets.files import RawFiles
from datasets.tracks import SourceError


def read_boxes(files: RawFiles, name: str) -> NDArray[np.float64]:
    """Return the rows of a 1-based box file as 0-based boxes.

    Args:
        files: The raw root.
        name: File of lines ``x,y,w,h``; ``NaN`` is a number here, and stands for no box.

    Returns:
        (T, 4) left, top, width, height in pixels, origin at the image's top-left corner.

    Raises:
        SourceError: A line does not hold four numbers; the message has its line number.
    """
    rows = _read_rows(files, name, num_columns=4)
    rows[:, :2] -= 1  # pixel 1 is the first one, and its left edge is at 0
    return rows


def read_flags(files: RawFiles, name: str) -> NDArray[np.bool_]:
    """Return the 0/1 flags of a file that holds them in one comma-separated line.

    Raises:
        SourceError: A value is neither 0 nor 1.
    """
    text = _read_text(files, name)
    values = text.replace("\n", ",").replace(" ", "").replace("\r", "").strip(",").split(",")
    flags = np.array(values)
    wrong = np.flatnonzero((flags != "0") & (flags != "1"))
    if wrong.size:
        raise SourceError(
            f"{files.where(name)}: value {wrong[0] + 1} is {str(flags[wrong[0]])!r}, expected 0 or "
            "1. Get the file again"
        )
    result: NDArray[np.bool_] = flags == "1"
    return result


def has_area(boxes_xywh: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (T,) True where a box (T, 4) is made of finite numbers and has an area."""
    usable = np.isfinite(boxes_xywh).all(axis=1) & (boxes_xywh[:, 2:] > 0).all(axis=1)
    return np.asarray(usable, dtype=np.bool_)


def check_num_rows(files: RawFiles, name: str, num_rows: int, expected: int, what: str) -> None:
    """Raise SourceError unless an annotation file has as many entries as it needs."""
    if num_rows != expected:
        raise SourceError(
            f"{files.where(name)}: {num_rows} entries, expected {expected}, {what}. The copy is "
            "incomplete or changed: get it again"
        )


def check_last_image(
    files: RawFiles, name: str, num_rows: int, image_name: Callable[[int], str]
) -> None:
    """Raise SourceError unless images 1 to ``num_rows`` are all that a folder holds.

    Only the last one and the one after it are looked for: a gap in between shows when the image
    is read, and a listing of every folder would cost minutes on an object store.
    """
    for number, expected in ((num_rows, True), (num_rows + 1, False)):
        if files.exists(image_name(number)) != expected:
            raise SourceError(
                f"{files.where(name)}: {num_rows} lines, but {image_name(number)} "
                f"{'does not exist' if expected else 'exists'}, expected one line for each image. "
                "The copy is incomplete or changed: get it again"
            )


def _read_rows(files: RawFiles, name: str, *, num_columns: int) -> NDArray[np.float64]:
    lines = _read_text(files, name).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise SourceError(f"{files.where(name)}: the file is empty. Get it again")
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
        if rows.shape == (len(lines), num_columns):
            return rows
    except ValueError:
        pass  # the loop below finds the line, which NumPy's message does not say in file terms
    return _read_slowly(files, name, lines, num_columns)


def _read_slowly(
    files: RawFiles, name: str, lines: list[str], num_columns: int
) -> NDArray[np.float64]:
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = [float(value) for value in line.split(",")]
        except ValueError:
            row = []
        if len(row) != num_columns:
            raise SourceError(
                f"{files.where(name)}:{number}: {line.strip()[:60]!r}, expected {num_columns} "
                "numbers separated by commas. Correct the line, or get the file again"
            )
        rows.append(row)
    return np.array(rows, dtype=np.float64)


def _read_text(files: RawFiles, name: str) -> str:
    try:
        return files.read(name).decode("ascii")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{files.where(name)}: byte {error.start} is not ASCII, expected plain numbers. Get "
            "the file again"
        ) from None
