"""CSV file of a run: one row per tracker and frame."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tracking.interface import Prediction

_COLUMNS = ("frame", "tracker", "x", "y", "w", "h", "score")


@dataclass(frozen=True, slots=True)
class Record:
    """Prediction of one tracker in one frame."""

    frame: int
    tracker: str
    prediction: Prediction


def write_csv(path: Path, records: Iterable[Record]) -> None:
    """Write frame, tracker, x, y, w, h, score; boxes in pixels, origin at the image's corner."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for record in records:
            box = [f"{value:.3f}" for value in record.prediction.box_xywh]
            score = f"{record.prediction.score:.5f}"
            writer.writerow([record.frame, record.tracker, *box, score])
