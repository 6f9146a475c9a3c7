"""A sink in one file: the loss of each step as a line of ``losses.csv``."""

from pathlib import Path

from trainer.output.examples import Image
from trainer.output.metrics import Record


class LossFile:
    """Appends step and loss to ``losses.csv``."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "losses.csv").open("a", encoding="ascii")

    def write(self, record: Record, image: Image | None) -> None:
        """Append a step."""
        if record["kind"] == "step":
            self._file.write(f"{record['step']},{record['loss']}\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
