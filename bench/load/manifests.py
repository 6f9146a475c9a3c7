"""Manifests of millions of rows: opened, planned, queried, reported.

All rows are of one stored crop pair, so that the report has pictures to read.
"""

from pathlib import Path

import numpy as np
import polars as pl

from bench.findings import Row, Target
from bench.load.processes import run_measured
from manifests.table import read_manifest, write_manifest
from tests.support.crops import MadeTrack, write_crops

_SOURCES = (("coco", 0.15, 1), ("lasot", 0.55, 2500), ("vid", 0.3, 290))
"""Source, share of the rows, crops in a track."""
_SQL = (
    "SELECT source, split, count(*) AS crops, avg(box_w * box_h) AS area, max(frame) AS last "
    "FROM crops GROUP BY source, split ORDER BY source, split"
)
_MOST_S = {"query": 20.0, "report": 60.0, "open and plan": 30.0}
_MOST_MB = {"query": 3000.0, "report": 6000.0, "open and plan": 2000.0}


def measure_manifests(folder: Path, *, rows: int) -> tuple[list[Row], list[Target]]:
    """Return the figures of each command, and targets that hold for 5,000,000 rows."""
    urls = [
        _write(folder / source, source, max(length, round(share * rows)), length)
        for source, share, length in _SOURCES
    ]
    given = ["--manifests", *urls]
    commands = {
        "query": ["-m", "manifests.query", _SQL, *given],
        "report": ["-m", "datasets.report", *given, "--out", str(folder / "page.html")],
        "open and plan": ["-m", "bench.plan", "--rows", str(rows), "--rounds", "1"],
    }
    found: list[Row] = []
    targets = []
    for name, command in commands.items():
        used = run_measured(command)
        figures = {"processor_s": used.processor_s, "peak_mb": used.peak_mb}
        found.append({"rows": rows, "command": name, **figures})
        what = f"{name}, {rows:,} rows"
        for value, unit, most in (
            (used.processor_s, "s", _MOST_S[name]),
            (used.peak_mb, "MB", _MOST_MB[name]),
        ):
            targets.append(Target(name=what, value=value, unit=unit, target=most, at_most=True))
    return found, targets


def _write(folder: Path, source: str, num_rows: int, length: int) -> str:
    """Write a manifest whose rows are copies of one row, in tracks of ``length`` crops."""
    url = write_crops(folder, [MadeTrack(name="t", video="v", frames=[0])], source=source)
    made = read_manifest(url)
    number = np.arange(num_rows)
    track = number // length
    names = pl.Series([f"{source}-{i:07d}" for i in range(int(track[-1]) + 1)])[track]
    split = pl.Series(["train", "val"])[(track % 10 == 9).astype(np.int64)]
    table = made.rows[np.zeros(num_rows, np.int64)].with_columns(
        *(names.cast(pl.Categorical).alias(column) for column in ("track", "video", "group")),
        split.cast(pl.Categorical).alias("split"),
        pl.Series("frame", (number % length).astype(np.int32)),
    )
    write_manifest(url, table, made.metadata)
    return url
