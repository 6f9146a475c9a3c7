"""The rows of some manifests in the order of tracks and frames, and which satisfy a condition."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datasets.read_crop import read_jpeg
from manifests.exact import select_rows
from manifests.table import Manifest
from manifests.together import with_manifest

Rows = NDArray[np.intp]
_NUM_KEPT = 8
"""Answers to conditions that are kept, so that turning a page takes no new search."""


class Collection:
    """Crops by row number: those of a track are neighbours, in the order of their frames.

    Args:
        manifests: The manifests to show.
    """

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        self._manifests = manifests
        track = pl.col("track").to_physical()
        self._rows = with_manifest(manifests).sort("manifest", track, "frame")
        starts = (track != track.shift()) | (pl.col("manifest") != pl.col("manifest").shift())
        numbers = self._rows.select(starts.fill_null(value=False).cum_sum()).to_series()
        self.track_of: Rows = numbers.to_numpy().astype(np.intp)
        """(N,) number of each row's track."""
        self.select = lru_cache(_NUM_KEPT)(self._select)
        """Return the numbers of the rows that satisfy an SQL condition, all if it is empty."""

    def __len__(self) -> int:
        """Return the number of crops."""
        return len(self.track_of)

    def row(self, number: int) -> dict[str, Any]:
        """Return a row's columns by name."""
        return self._rows.row(number, named=True)

    def track(self, number: int) -> Rows:
        """Return the rows of a track."""
        first, end = np.searchsorted(self.track_of, [number, number + 1])
        return np.arange(first, end)

    def tracks(self, rows: Rows) -> tuple[Rows, Rows]:
        """Return the numbers of the tracks of some rows in ascending order, and their counts."""
        return np.unique(self.track_of[rows], return_counts=True)

    def pairs(self, rows: Rows, *, step: int) -> Rows:
        """Return those rows whose track has another crop ``step`` rows later."""
        rows = rows[rows < len(self) - step]
        is_pair = self.track_of[rows] == self.track_of[rows + step]
        return np.asarray(rows[is_pair])

    def stored_px(self, number: int, crop: Literal["z", "x"]) -> int:
        """Return the side of a stored crop in pixels."""
        made = self._manifest(self.row(number)).metadata.crop
        return made.stored_template if crop == "z" else made.stored_search

    def jpeg(self, number: int, crop: Literal["z", "x"]) -> bytes:
        """Return a stored crop, read from its shard.

        Raises:
            ManifestError: The shard is missing or damaged.
        """
        row = self.row(number)
        return read_jpeg(self._manifest(row).url, row, crop)

    def _manifest(self, row: dict[str, Any]) -> Manifest:
        number: int = row["manifest"]
        return self._manifests[number]

    def _select(self, where: str) -> Rows:
        if not where:
            return np.arange(len(self))
        text = pl.col(pl.Categorical).cast(pl.String)  # or LIKE would not take it
        rows = self._rows.lazy().with_columns(text).with_row_index("row")
        return select_rows(rows, where, columns=["row"])["row"].to_numpy().astype(np.intp)
