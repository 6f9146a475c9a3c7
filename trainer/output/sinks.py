"""Receivers of a run's records: a progress bar, pictures, TensorBoard, Weights & Biases.

Any object with the two methods of `Sink` can be in a journal's list.
"""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from commands.files import write_whole
from datasets.images import encode_png
from trainer.output.checkpoint import Progress
from trainer.output.examples import Image
from trainer.output.metrics import Record
from trainer.validation.shown_figures import as_lines

SCALARS_EVERY = 10
"""Steps per point of the curves in TensorBoard and Weights & Biases."""


class Sink(Protocol):
    """A receiver of the records of `trainer.output.metrics`."""

    def write(self, record: Record, image: Image | None) -> None:
        """Take a record; raise OSError if it cannot be written.

        Args:
            record: Of a step or a validation.
            image: (H, W, 3) uint8 RGB, the example pairs of a validation.
        """

    def close(self) -> None:
        """Finish; nothing is written afterwards."""


class Bar:
    """A progress bar on stderr, and a table after each validation.

    Args:
        progress: Where the run goes on.
        total_steps: Steps of the whole run.
        batch_size: Pairs per step.
    """

    def __init__(self, progress: Progress, *, total_steps: int, batch_size: int) -> None:
        self._batch_size = batch_size
        self._bar = tqdm(
            total=total_steps * batch_size,
            initial=progress.step * batch_size,
            unit="pair",
            unit_scale=True,
            file=sys.stderr,
            mininterval=0.5,
            disable=None,
        )

    def write(self, record: Record, image: Image | None) -> None:
        """Show a step in the bar, a validation above it."""
        with suppress(OSError):  # a terminal that has gone must not keep the run from saving
            if record["kind"] == "validation":
                tqdm.write(_describe(record), file=sys.stderr)
                return
            self._bar.set_postfix_str(
                f"loss {record['loss']:.3f}, rate {record['rate']:g}, data wait "
                f"{record['data_wait']:.0%}",
                refresh=False,
            )
            self._bar.update(self._batch_size)

    def close(self) -> None:
        """Leave the bar as it is."""
        with suppress(OSError):
            self._bar.close()


class ExampleFiles:
    """The pictures in ``examples/``.

    Args:
        folder: Folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "examples"

    def write(self, record: Record, image: Image | None) -> None:
        """Write ``epoch-NNNN.png``."""
        if image is not None:
            path = self._folder / f"epoch-{record['epoch']:04d}.png"
            write_whole(str(path), encode_png(image))

    def close(self) -> None:
        """Do nothing: each picture is whole."""


class TensorBoard:
    """Scalars and pictures in ``tensorboard/``.

    Args:
        folder: Folder of the run.
        progress: Where the run goes on; later points of an earlier attempt are hidden.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        from torch.utils.tensorboard import SummaryWriter  # seconds of imports

        self._writer: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=progress.step + 1)

    def write(self, record: Record, image: Image | None) -> None:
        """Add a point to each curve, and the picture."""
        for name, value in scalars(record):
            self._writer.add_scalar(name, value, record["step"])
        if image is not None:
            self._writer.add_image("examples", image, record["step"], dataformats="HWC")

    def close(self) -> None:
        """Flush the files."""
        self._writer.close()


class WandB:
    """A run in Weights & Biases, whose package has to be installed.

    Args:
        folder: Folder of the run; the same folder goes on with the same run there.
        options: Configuration to show beside the curves.
    """

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        try:
            import wandb
        except ImportError:
            raise ImportError(
                "--wandb: the package wandb is not installed. Install it, or leave --wandb off"
            ) from None
        self._wandb: Any = wandb
        number = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._run: Any = wandb.init(
            dir=str(folder), name=folder.name, id=number, resume="allow", config=options
        )

    def write(self, record: Record, image: Image | None) -> None:
        """Add a point to each curve, and the picture."""
        points: dict[str, Any] = dict(scalars(record))
        if image is not None:
            points["examples"] = self._wandb.Image(image)
        if points:
            self._run.log({**points, "step": record["step"]})

    def close(self) -> None:
        """Finish the upload."""
        self._run.finish()


def scalars(record: Record) -> Iterator[tuple[str, float]]:
    """Yield the curves' names and values of a record; of steps, every tenth has any."""
    if record["kind"] == "step" and record["step"] % SCALARS_EVERY:
        return
    group = "train" if record["kind"] == "step" else "validation"
    tables = {group: record}
    for name, figures in record.get("figures", {}).items():
        tables[f"{group}/{name.replace(' ', '_')}"] = figures
    for table, values in tables.items():
        for name, value in values.items():
            if isinstance(value, float):
                yield f"{table}/{name}", value


def _describe(record: Record) -> str:
    """Return a validation as text: a line, and a table of the groups of pairs."""
    best = " (best so far)" if record["is_best"] else ""
    return "\n  ".join(
        [
            f"epoch {record['epoch']}: validation loss {record['loss']:.3f}, AUC "
            f"{record['auc']:.3f} (the middle {record['middle_auc']:.3f}), selected by "
            f"{record['select']} {record['value']:.3f}{best}; in brackets: the "
            "middle, a constant box",
            *as_lines(record["figures"]),
        ]
    )
