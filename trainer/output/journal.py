"""The journal of a run: one record per step and per validation, passed to a list of sinks."""

import time
from collections.abc import Sequence
from pathlib import Path

from commands.safe_text import all_without_secrets
from trainer.config import TrainConfig, as_json
from trainer.output.checkpoint import Progress, writing
from trainer.output.examples import Image, draw_examples
from trainer.output.metrics import JsonLines, Record
from trainer.output.sinks import Bar, ExampleFiles, Sink, TensorBoard, WandB
from trainer.validation.selection import Choice
from trainer.validation.validate import ValidationReport


def open_sinks(
    folder: Path, config: TrainConfig, progress: Progress, *, total_steps: int
) -> list[Sink]:
    """Return the sinks that the options name.

    Args:
        folder: Folder of the run.
        config: Names the sinks.
        progress: Where the run goes on.
        total_steps: Steps of the whole run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # first, because its package may be missing
    options = all_without_secrets(as_json(config))
    sinks: list[Sink] = [WandB(folder, options)] if config.wandb else []
    sinks += [
        JsonLines(folder, progress),
        ExampleFiles(folder),
        Bar(progress, total_steps=total_steps, batch_size=config.batch_size),
    ]
    if config.tensorboard:
        sinks.append(TensorBoard(folder, progress))
    return sinks


class Journal:
    """Makes the records of a run; one without sinks, as of all ranks but the first, is silent.

    Args:
        folder: Folder of the run, for messages.
        sinks: Receivers of each record, in this order.
        batch_size: Pairs per step.
        progress: Where the run goes on.
    """

    def __init__(
        self,
        folder: Path,
        sinks: Sequence[Sink],
        *,
        batch_size: int,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._sinks = sinks
        self._batch_size = batch_size
        self._epoch_started = (progress.step, time.perf_counter())

    def write_step(
        self, progress: Progress, values: dict[str, float], *, rate: float, data_wait: float
    ) -> None:
        """Record an update: the parts of its loss, the learning rate, the share of waiting."""
        first_step, started = self._epoch_started
        pairs = (progress.step - first_step) * self._batch_size
        pairs_per_s = pairs / max(time.perf_counter() - started, 1e-9)
        record = {"kind": "step", "step": progress.step, "epoch": progress.epochs_done, **values}
        record |= {"rate": rate, "pairs_per_s": round(pairs_per_s, 2)}
        record |= {"data_wait": round(data_wait, 4)}
        self._write(record)

    def write_validation(
        self, progress: Progress, report: ValidationReport, choice: Choice
    ) -> None:
        """Record a validation and its examples."""
        self._epoch_started = (progress.step, time.perf_counter())
        record: Record = {"kind": "validation"}
        record |= {"step": progress.step, "epoch": progress.epochs_done, "loss": report.loss}
        record |= {"auc": report.auc, "middle_auc": report.middle_auc}
        record |= {**choice._asdict(), "constant_size_px": report.constant_size}
        image = draw_examples(report.examples) if self._sinks and report.examples else None
        self._write({**record, "figures": report.figures}, image)

    def close(self) -> None:
        """Finish all sinks."""
        with writing(self._folder, "the journal"):
            for sink in self._sinks:
                sink.close()

    def _write(self, record: Record, image: Image | None = None) -> None:
        with writing(self._folder, "the journal"):
            for sink in self._sinks:
                sink.write(record, image)
