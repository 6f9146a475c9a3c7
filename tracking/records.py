"""Boxes as text: the CSV that a run writes, and files with one box a line that others wrote."""

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.tracks import SourceError
from manifests.atomic import whole_file
from tracking.tracker import Prediction

_COLUMNS = ("frame", "tracker", "x", "y", "w", "h", "score")


@dataclass(frozen=True, slots=True)
class Record:
    """One tracker's box in one frame."""

    frame: int
    tracker: str
    prediction: Prediction


def write_csv(path: Path, records: Iterable[Record]) -> None:
    """Write frame, tracker, x, y, w, h, score; boxes in pixels, origin at the image's corner."""
    with (
        whole_file(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for record in records:
            box = [f"{value:.3f}" for value in record.prediction.box_xywh]
            score = f"{record.prediction.score:.5f}"
            writer.writerow([record.frame, record.tracker, *box, score])


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Read (T, 4) boxes, one ``x,y,w,h`` a line, parted by commas, tabs or blanks; NaN is absent.

    Raises:
        SourceError: The file is missing, empty, or a line holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    rows = [
        parse_box(line, where=f"{path}:{number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not rows:
        raise SourceError(f"{path}: no boxes in it, expected one 'x,y,w,h' a line")
    return np.array(rows, np.float64)


def parse_box(text: str, *, where: str) -> tuple[float, float, float, float]:
    """Return the four numbers of ``x,y,w,h``.

    Raises:
        SourceError: There are not four numbers.
    """
    try:
        x, y, width, height = (float(part) for part in re.split(r"[,\s]+", text.strip()))
    except ValueError:
        raise SourceError(f"{where}: {text!r}, expected four numbers x,y,w,h") from None
    return x, y, width, height


def has_area(box_xywh: Iterable[float]) -> bool:
    """Tell whether a box is there at all."""
    x, y, width, height = box_xywh
    return all(map(math.isfinite, (x, y))) and 0 < width < math.inf and 0 < height < math.inf
