"""Result files: one box per line, written whole or not at all.

    <results>/<tracker>/<sequence>.txt                 x,y,w,h per frame, full floats
    <results>/<tracker>/times/<sequence>_time.txt      seconds per frame, of trackers that ran here

The numbers count pixels from 1, as the benchmarks' own files and published results do. They are
read by `datasets.box_files.read_box_file`: commas, tabs, blanks and either kind of line end.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import decode_text, parse_rows
from datasets.tracks import SourceError
from evaluation.names import match_name
from manifests.atomic import whole_file


def write_boxes(path: Path, boxes: NDArray[np.float64]) -> None:
    """Write (T, 4) boxes with as many digits as reading them back exactly needs."""
    lines = [",".join(repr(float(value)) for value in box) for box in boxes]
    _write_text(path, "\n".join(lines) + "\n")


def result_path(folder: Path, sequence: str) -> Path:
    """Return where the boxes of a sequence lie in a tracker's folder."""
    return folder / f"{sequence}.txt"


def times_path(path: Path) -> Path:
    """Return where the times of a result file lie."""
    return path.parent / "times" / f"{path.stem}_time.txt"


def write_times(path: Path, seconds: NDArray[np.float64]) -> None:
    """Write (T,) seconds that a tracker took for each frame."""
    _write_text(path, "".join(f"{value:.6f}\n" for value in seconds))


def read_times(path: Path) -> NDArray[np.float64]:
    """Return (T,) seconds, as `write_times` wrote them.

    Raises:
        SourceError: The file holds something else.
    """
    text = decode_text(path.read_bytes(), where=str(path))
    for number, row in parse_rows(text, where=str(path)).items():
        if len(row) != 1 or not row[0] >= 0:
            raise SourceError(
                f"{path}:{number}: {row}, expected the seconds of one frame. Delete the file, and "
                "no speed is told"
            )
    return np.array(text.split(), np.float64)


def list_trackers(results: Path) -> list[str]:
    """Return the names of the trackers that have a folder with text files.

    Raises:
        SourceError: The folder is missing, or holds none.
    """
    if not results.is_dir():
        raise SourceError(f"{results}: no such folder. Pass --results with one folder per tracker")
    if next(results.glob("*.txt"), None):
        raise SourceError(
            f"{results}: holds result files itself. Pass --results {results.parent}, with one "
            "folder per tracker"
        )
    names = [each.name for each in sorted(results.iterdir()) if next(each.rglob("*.txt"), None)]
    if not names:
        raise SourceError(
            f"{results}: no results in it, expected <tracker>/<sequence>.txt with x,y,w,h lines, "
            "or for VOT <tracker>/baseline/<sequence>/<sequence>_001.txt"
        )
    return names


def find_results(folder: Path, names: list[str]) -> dict[str, Path]:
    """Return the result file of each sequence, whatever way its name is spelled.

    Raises:
        SourceError: A sequence has none, or the folder holds another benchmark's results.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    found = {name: match_name(name, files) for name in names}
    missing = [name for name, match in found.items() if match is None]
    if len(missing) == len(names):
        there = ", ".join(f"{each}.txt" for each in list(files)[:3]) or "no .txt file"
        raise SourceError(
            f"{folder}: none of the {len(names)} sequences has a result here: found {there}, "
            f"expected {names[0]}.txt and so on. Are these another benchmark's results?"
        )
    if missing:
        raise SourceError(
            f"{folder}/{missing[0]}.txt: no such file; {len(missing)} of the {len(names)} "
            "sequences have no result. Track them first, or leave them out with --sequences"
        )
    return {name: files[match] for name, match in found.items() if match is not None}


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="ascii")
