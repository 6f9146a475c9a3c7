"""A family of faults, and the outcome of its trials."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.findings import Row


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The conditions under which a family runs."""

    seed: int
    scale: float
    """Factor on all counts; 1 is the full number."""
    folder: Path
    """Empty folder for all that the family writes."""
    failures: Path
    """Folder for the files that show a failure."""
    only: str = ""
    """Part of the names of the rows to run; empty for all."""

    def count(self, full: int) -> int:
        """Return the number of trials, at least 1."""
        return max(1, round(full * self.scale))

    def rng(self, name: str, number: int = 0) -> random.Random:
        """Return the random numbers of one trial."""
        return random.Random(f"{self.seed}/{name}/{number}")

    def wants(self, name: str) -> bool:
        """Return True if a row of that name is to run."""
        return self.only in name

    def keep(self, name: str, data: bytes) -> Path:
        """Write a file that shows a failure, and return its path."""
        path = self.failures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


@dataclass(kw_only=True)
class Outcome:
    """The trials of one row of the table."""

    name: str
    compared: str
    """What was compared after each trial."""
    count: int = 0
    lost: int = 0
    """Trials without an end: a hang, a crash of the process, work that is gone."""
    wrong: int = 0
    """Trials with another end than the promised one."""
    seconds: float = 0.0
    skipped: str = ""
    """Reason for running none, or empty."""
    notes: list[str] = field(default_factory=list)
    """A line per failure, or other remark."""

    def check(self, *, is_right: bool, note: str) -> None:
        """Count a trial; ``note`` is kept if it went wrong."""
        self.count += 1
        if not is_right:
            self.wrong += 1
            self.notes.append(note)

    def row(self, seed: int) -> Row:
        """Return its row of the table."""
        return {
            "faults": self.name,
            "count": self.count,
            "seed": seed,
            "lost": self.lost,
            "wrong": self.wrong,
            "s": round(self.seconds, 1),
            "compared": f"skipped: {self.skipped}" if self.skipped else self.compared,
        }

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the seconds that a block takes."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - start


Family = Callable[[Trials], Iterator[Outcome]]
"""Runs the trials of a family and yields a row for each kind of them."""
