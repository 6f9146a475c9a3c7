"""``metrics.jsonl``: one object per line, written during the run, read by curves and report.

An update is ``{"kind": "step", ...}``, a validation ``{"kind": "validation", ...}``. When a run
resumes, the lines after its checkpoint are cut off: the file reads as that of a run never stopped.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from commands.files import whole_file
from commands.json_files import parse_json
from trainer.output.checkpoint import Progress
from trainer.output.examples import Image

METRICS = "metrics.jsonl"
Record = dict[str, Any]
"""A step or a validation, by its ``kind``."""


class JsonLines:
    """The sink that appends each record to ``metrics.jsonl``.

    Args:
        folder: Folder of the run.
        progress: Where the run goes on.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        path = folder / METRICS
        if path.exists():
            _cut(path, progress)
        self._file = path.open("a", encoding="utf-8")

    def write(self, record: Record, image: Image | None) -> None:
        """Append a line; values that are not finite become null."""
        plain = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in record.items()
        }
        self._file.write(json.dumps(plain) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(path: Path) -> Iterator[Record]:
    """Yield the records of a ``metrics.jsonl``; a last line that was cut short is left out.

    Raises:
        ValueError: It is not a text file.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield parse_json(line)
        except ValueError:
            return


def best_validation(records: Iterable[Record]) -> Record | None:
    """Return the validation of best.safetensors; None before the first."""
    best = [record for record in records if record["kind"] == "validation" and record["is_best"]]
    return best[-1] if best else None


def _cut(path: Path, progress: Progress) -> None:
    """Remove the lines after a checkpoint."""
    kept = [
        record
        for record in read_metrics(path)
        if record["step"] <= progress.step
        and (record["kind"] == "step" or record["epoch"] <= progress.epochs_done)
    ]
    with whole_file(path) as temporary:
        temporary.write_text("".join(json.dumps(record) + "\n" for record in kept), "utf-8")
