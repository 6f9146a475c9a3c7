"""VOT result files: one line per frame, a code or a region, at four decimals.

    <results>/<tracker>/baseline/<sequence>/<sequence>_001.txt    and so on, one per repetition

``1`` the tracker was started here, ``2`` it had lost the target, ``0`` skipped; else four numbers
x,y,w,h or the x,y of four corners.
"""

from pathlib import Path

import numpy as np

from datasets.box_files import decode_text, parse_rows
from datasets.tracks import SourceError
from evaluation.regions import Floats, rectangles_to_polygons
from evaluation.vot_measures import FAILED, SKIPPED, STARTED, TRACKED, Run
from manifests.atomic import whole_file


def run_path(folder: Path, sequence: str, number: int) -> Path:
    """Return where a repetition, counted from 1, lies in a tracker's folder."""
    return folder / "baseline" / sequence / f"{sequence}_{number:03d}.txt"


def write_run(path: Path, events: list[int], regions: list[Floats | None]) -> None:
    """Write one repetition; ``regions`` holds (4,) or (8,) numbers where the event is TRACKED."""
    lines = [
        str(event) if region is None else ",".join(f"{value:.4f}" for value in region)
        for event, region in zip(events, regions, strict=True)
    ]
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="ascii")


def baseline_folder(folder: Path) -> Path:
    """Return where a tracker's sequences lie: in ``baseline``, or right in its folder."""
    return folder / "baseline" if (folder / "baseline").is_dir() else folder


def read_runs(folder: Path, sequence: str, num_frames: int) -> tuple[Run, ...]:
    """Return the repetitions of a sequence below a tracker's folder.

    Raises:
        SourceError: There is none, or one of them is damaged or of another length.
    """
    inner = baseline_folder(folder)
    paths = sorted((inner / sequence).glob(f"{sequence}_[0-9]*.txt"))
    if not paths:
        raise SourceError(
            f"{inner / sequence}/{sequence}_001.txt: no such file. Track this sequence first; VOT "
            "results lie in <tracker>/baseline/<sequence>/"
        )
    return tuple(
        parse_run(
            decode_text(path.read_bytes(), where=str(path)), where=str(path), num_frames=num_frames
        )
        for path in paths
    )


def parse_run(text: str, *, where: str, num_frames: int) -> Run:
    """Return the repetition that a result file's text holds.

    Raises:
        SourceError: It is damaged or of another length; ``where`` is named.
    """
    rows = parse_rows(text, where=where)
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
                f"{where}:{number}: {row}, expected a code 0, 1, 2, a rectangle of 4 numbers or a "
                "polygon of 8"
            )
    if events[0] != STARTED:
        raise SourceError(
            f"{where}:1: {rows[min(rows)]}, expected the code {STARTED} for the start. Are these "
            "results of a one-pass evaluation?"
        )
    if rectangles:
        regions[list(rectangles)] = rectangles_to_polygons(np.array(list(rectangles.values())))
    return Run(events=events, regions=regions)
