"""Results in the layouts that other evaluators read; the boxes keep four decimals.

got10k       <sequence>/<sequence>_001.txt and _time.txt in a zip, as its server takes
trackingnet  <sequence>.txt in a zip, as its server takes
matlab       <tracker>_tracking_result/<sequence>.txt in a folder, as LaSOT's toolkit reads
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from commands.files import whole_file
from datasets.tracks import SourceError
from evaluation.results.tracker import TrackerResults

Layout = Literal["got10k", "trackingnet", "matlab"]
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip, so that equal results give equal archives."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Result:
    """One sequence."""

    sequence: str
    runs: tuple[NDArray[np.float64], ...]
    """(T, 4) boxes of each run."""
    seconds: tuple[NDArray[np.float64], ...]
    """(T,) of each run; empty where one was not timed."""


def lay_out(tracker: TrackerResults, sequences: Iterable[str], layout: Layout) -> dict[str, str]:
    """Return the files of a layout, by their paths, with a tracker's results of some sequences.

    Raises:
        SourceError: A result is damaged, or the layout takes one run and there are several.
    """
    if tracker.num_runs > 1 and layout != "got10k":
        raise SourceError(
            f"{tracker.where}: {tracker.num_runs} runs, and {layout} takes one. Pass --results "
            "with the folder of one run"
        )
    name = tracker.name.rpartition("/")[2]
    files: dict[str, str] = {}
    for sequence in sequences:
        paths = tracker.paths_of(sequence)
        result = Result(
            sequence=sequence,
            runs=tuple(tracker.read_boxes(path) for path in paths),
            seconds=tuple(tracker.read_seconds(paths)),
        )
        files |= LAYOUTS[layout](name, result)
    return files


def write_zip(path: Path, files: Mapping[str, str]) -> None:
    """Write a zip of text files, which depends on their names and content alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), text)
    with whole_file(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _got10k(tracker: str, result: Result) -> dict[str, str]:
    name = result.sequence
    files = {
        f"{name}/{name}_{number:03d}.txt": _lines(boxes)
        for number, boxes in enumerate(result.runs, start=1)
    }
    times = result.seconds or tuple(np.zeros(len(boxes)) for boxes in result.runs)
    # A column per run; a run that was timed only in part has no line for the other frames.
    rows = zip(*(column.tolist() for column in times), strict=False)
    text = "".join(",".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
    return {**files, f"{name}/{name}_time.txt": text}


def _trackingnet(tracker: str, result: Result) -> dict[str, str]:
    return {f"{result.sequence}.txt": _lines(result.runs[0])}


def _matlab(tracker: str, result: Result) -> dict[str, str]:
    return {f"{tracker}_tracking_result/{result.sequence}.txt": _lines(result.runs[0])}


LAYOUTS: Mapping[Layout, Callable[[str, Result], dict[str, str]]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
    "matlab": _matlab,
}
"""By layout: tracker and a sequence's result to the files they become."""


def _lines(boxes: NDArray[np.float64]) -> str:
    return "".join(",".join(f"{value:.4f}" for value in box) + "\n" for box in boxes)
