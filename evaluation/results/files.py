"""Our own result files: one box per line, written whole or not at all.

    <results>/<tracker>/<sequence>.txt                 x,y,w,h per frame, full floats
    <results>/<tracker>/times/<sequence>_time.txt      seconds per frame, of trackers that ran here

The numbers count pixels from 1, as the benchmarks' own files and published results do.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from commands.files import whole_file
from commands.json_files import parse_json
from datasets.box_files import decode_text, parse_rows
from datasets.tracks import SourceError


def write_boxes(path: Path, boxes: NDArray[np.float64]) -> None:
    """Write (T, 4) boxes with as many digits as reading them back exactly needs."""
    lines = [",".join(repr(float(value)) for value in box) for box in boxes]
    write_text(path, "\n".join(lines) + "\n")


def result_path(folder: Path, sequence: str) -> Path:
    """Return the path of a sequence's boxes in a tracker's folder."""
    return folder / f"{sequence}.txt"


def times_path(path: Path) -> Path:
    """Return the path of a result file's times."""
    return path.parent / "times" / f"{path.stem}_time.txt"


def write_times(path: Path, seconds: NDArray[np.float64]) -> None:
    """Write (T,) seconds that a tracker took for each frame."""
    write_text(path, "".join(f"{value:.6f}\n" for value in seconds))


def parse_times(data: bytes, *, where: str, column: int | None = None) -> NDArray[np.float64]:
    """Return (T,) seconds per frame of a file with one line per frame.

    Args:
        data: The file's content.
        where: Name in errors.
        column: Which number of a line counts, in files of several runs; else there must be one.

    Raises:
        SourceError: The file holds something else.
    """
    rows = parse_rows(decode_text(data, where=where), where=where)
    seconds = []
    for number, row in rows.items():
        chosen = row if column is None else row[column : column + 1]
        if len(chosen) != 1 or not chosen[0] >= 0:
            raise SourceError(f"{where}:{number}: {row}, expected the seconds of one frame")
        seconds += chosen
    return np.array(seconds, np.float64)


def read_record(path: Path) -> dict[str, str]:
    """Return a record that `write_record` wrote; an empty one where there is none.

    Raises:
        SourceError: The file is not JSON.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise SourceError(
            f"{path}: not JSON. Delete the tracker's folder and track again"
        ) from None
    return content if isinstance(content, dict) else {}


def write_record(path: Path, record: Mapping[str, str]) -> None:
    """Write a record beside the results as JSON."""
    write_text(path, json.dumps(record) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write an ASCII text whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="ascii")
