"""VOT result files: one line per frame, a code or a region, at four decimals.

    <results>/<tracker>/baseline/<sequence>/<sequence>_001.txt    and so on, one per repetition

``1`` the tracker was started here, ``2`` it had lost the target, ``0`` skipped; else four numbers
x,y,w,h or the x,y of four corners. The same as ``.bin`` is read too.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from datasets.box_files import parse_rows, read_text
from datasets.tracks import SourceError
from evaluation.regions import Floats, rectangles_to_polygons
from evaluation.results.entries import suffix_of
from evaluation.results.files import write_text
from evaluation.results.tracker import TrackerResults
from evaluation.vot.binary_results import parse_binary
from evaluation.vot.measures import FAILED, SKIPPED, STARTED, TRACKED, Run


def run_path(folder: Path, sequence: str, number: int) -> Path:
    """Return the path of a repetition, counted from 1, in a tracker's folder."""
    return folder / "baseline" / sequence / f"{sequence}_{number:03d}.txt"


def write_run(path: Path, events: list[int], regions: list[Floats | None]) -> None:
    """Write one repetition; ``regions`` holds (4,) or (8,) numbers where the event is TRACKED."""
    lines = [
        str(event) if region is None else ",".join(f"{value:.4f}" for value in region)
        for event, region in zip(events, regions, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def read_runs(results: TrackerResults, sequence: str, num_frames: int) -> tuple[Run, ...]:
    """Return the repetitions of a sequence.

    Raises:
        SourceError: There is none, or one of them is damaged or of another length.
    """
    runs = []
    for path in results.paths_of(sequence):
        where = results.files.where(path)
        if suffix_of(path) == "bin":
            rows = parse_binary(results.files.read(path), where=where)
        else:
            rows = parse_rows(read_text(results.files, path), where=where)
        runs.append(make_run(rows, where=where, num_frames=num_frames))
    return tuple(runs)


def make_run(rows: Mapping[int, list[float]], *, where: str, num_frames: int) -> Run:
    """Return the repetition from the numbers of each frame.

    Raises:
        SourceError: They are of another length or no results; ``where`` is named.
    """
    if len(rows) != num_frames:
        raise SourceError(
            f"{where}: {len(rows)} lines, expected {num_frames}, one per frame. Track the sequence "
            "again, or check that the results belong to this benchmark"
        )
    events = np.full(num_frames, TRACKED, dtype=np.int8)
    regions = np.full((num_frames, 8), np.nan)
    rectangles: dict[int, list[float]] = {}
    for index, (number, row) in enumerate(rows.items()):
        if len(row) == 1 and row[0] in (SKIPPED, STARTED, FAILED):
            events[index] = int(row[0])
        elif len(row) == 4 and not np.isnan(row).any():
            rectangles[index] = row
        elif len(row) == 8 and not np.isnan(row).any():
            regions[index] = row
        else:
            raise SourceError(
                f"{where}:{number}: {str(row)[:120]}, expected a code 0, 1, 2, a rectangle of 4 "
                "numbers or a polygon of 8"
            )
    if events[0] != STARTED:
        raise SourceError(
            f"{where}:1: {str(rows[min(rows)])[:120]}, expected the code {STARTED} for the start. "
            "Are these results of a one-pass evaluation?"
        )
    if rectangles:
        regions[list(rectangles)] = rectangles_to_polygons(np.array(list(rectangles.values())))
    return Run(events=events, regions=regions)
