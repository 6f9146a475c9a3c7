"""The result files of one tracker, in any folder, archive and format."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.files import RawFiles
from datasets.tracks import SourceError
from evaluation.results.entries import split_number, suffix_of
from evaluation.results.files import parse_times
from evaluation.results.formats import FORMATS
from tracking.baselines import SHORTEST_S

logger = logging.getLogger(__name__)
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrackerResults:
    """Where the results of one tracker lie."""

    name: str
    folders: tuple[str, ...]
    """Folder or archive of each run that has one of its own."""
    files: RawFiles
    paths: Mapping[str, tuple[str, ...]]
    """By sequence the files of its runs, below the root of ``files``."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """By sequence why its files cannot be used."""

    @property
    def where(self) -> str:
        """Name of its folder or archive in messages."""
        return self.folders[0]

    def is_named(self, name: str) -> bool:
        """Return True for the tracker's name or that of one of its runs."""
        return name == self.name or name in {Path(folder).name for folder in self.folders}

    @property
    def num_runs(self) -> int:
        """How often it ran over each sequence."""
        return max(map(len, self.paths.values()))

    def paths_of(self, sequence: str) -> tuple[str, ...]:
        """Return the files of a sequence, one per run.

        Raises:
            SourceError: There is none, or several files are the same one.
        """
        if sequence in self.problems:
            raise SourceError(f"{self.where}: {self.problems[sequence]}")
        if sequence not in self.paths:
            raise SourceError(f"{self.where}: no result of {sequence}")
        return self.paths[sequence]

    def read_boxes(self, path: str) -> Floats:
        """Return the (T, 4) boxes of a file.

        Raises:
            SourceError: It is damaged, or SciPy is missing for a MATLAB file.
        """
        return FORMATS[suffix_of(path)](self.files.read(path), where=self.files.where(path))[0]

    def read_seconds(self, paths: Iterable[str]) -> list[Floats]:
        """Return the (T,) seconds per frame of each file; empty where one has none.

        They lie beside the boxes or in the file. Where they are damaged, a warning says so: the
        boxes count all the same.
        """
        seconds_of_files: list[Floats] = []
        for path in paths:
            try:
                seconds = self._find_seconds(path)
            except SourceError as error:
                logger.warning("%s: no speed is told: %s", self.name, error)
                return []
            if seconds is None:
                return []
            seconds_of_files.append(seconds)
        return seconds_of_files

    def median_speed(self, sequences: Iterable[str]) -> float | None:
        """Return the frames per second by the median frame; None if no time is told."""
        timed = self.read_seconds(path for name in sequences for path in self.paths[name])
        seconds = np.concatenate([np.empty(0), *timed])
        seconds = seconds[seconds > 0]
        median = float(np.median(seconds)) if seconds.size else 0.0
        return 1 / median if median > SHORTEST_S else None

    def _find_seconds(self, path: str) -> Floats | None:
        for timed, column in _times_paths(path):
            if self.files.exists(timed):
                data = self.files.read(timed)
                return parse_times(data, where=self.files.where(timed), column=column)
        if suffix_of(path) in ("txt", "bin"):
            return None
        return FORMATS[suffix_of(path)](self.files.read(path), where=self.files.where(path))[1]


def _times_paths(path: str) -> list[tuple[str, int | None]]:
    """Return possible paths of the times, and the column in each."""
    folder, slash, base = path.rpartition("/")
    stem = base.rpartition(".")[0]
    sequence, number = split_number(path)
    names: list[tuple[str, int | None]] = [
        (f"times/{stem}_time.txt", None),
        (f"{stem}_time.txt", None),
        (f"{stem}_time.value", None),  # VOT's toolkit
    ]
    if number:  # GOT-10k's toolkit and pysot write a column per repetition
        names.append((f"{sequence}_time.txt", number - 1))
    return [(f"{folder}{slash}{name}", column) for name, column in names]
