"""What a run tells while it trains: a progress line, ``metrics.jsonl``, and TensorBoard.

``metrics.jsonl`` has one object a line: ``{"kind": "step", ...}`` after each update and
``{"kind": "validation", ...}`` after each epoch. When a run resumes, the lines after its
checkpoint are cut off, so the file reads as if nothing had happened.
"""

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from commands.files import whole_file
from trainer.checkpoint import Progress, writing
from trainer.examples import draw_examples, write_png
from trainer.figures import Groups
from trainer.selection import Choice
from trainer.shown_figures import as_lines
from trainer.validation import ValidationReport

METRICS = "metrics.jsonl"
_SCALARS_EVERY = 10


class Journal:
    """Writes for the first rank; the others have one with ``folder`` None, which stays silent.

    Args:
        folder: Folder of the run.
        batch_size: Pairs of a step.
        total_steps: Steps of the whole run.
        progress: Where the run goes on.
        tensorboard: Also write for TensorBoard.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        batch_size: int,
        total_steps: int,
        progress: Progress,
        tensorboard: bool,
    ) -> None:
        self._folder = folder
        self._batch_size = batch_size
        self._epoch_started = (progress.step, time.perf_counter())
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        _cut_metrics(folder / METRICS, progress)
        self._file = (folder / METRICS).open("a", encoding="utf-8")
        self._bar = tqdm(
            total=total_steps * batch_size,
            initial=progress.step * batch_size,
            unit="pair",
            unit_scale=True,
            file=sys.stderr,
            mininterval=0.5,
        )
        self._scalars = _open_tensorboard(folder, progress) if tensorboard else None

    def write_step(
        self, progress: Progress, values: dict[str, float], *, rate: float, data_wait: float
    ) -> None:
        """Note an update: the parts of its loss, the learning rate, the share of waiting."""
        if self._folder is None:
            return
        first_step, started = self._epoch_started
        pairs = (progress.step - first_step) * self._batch_size
        pairs_per_s = pairs / max(time.perf_counter() - started, 1e-9)
        record = {"kind": "step", "step": progress.step, "epoch": progress.epochs_done, **values}
        record |= {"rate": rate, "pairs_per_s": round(pairs_per_s, 2)}
        record |= {"data_wait": round(data_wait, 4)}
        with writing(self._folder, "the journal"):
            self._write(record)
            if progress.step % _SCALARS_EVERY == 0:
                self._add_scalars("train", record, progress.step)
        self._bar.set_postfix_str(
            f"loss {values['loss']:.3f}, rate {rate:g}, data wait {data_wait:.0%}", refresh=False
        )
        with suppress(OSError):  # a terminal that has gone must not keep the run from saving
            self._bar.update(self._batch_size)

    def write_validation(
        self, progress: Progress, report: ValidationReport, choice: Choice
    ) -> None:
        """Note a validation; also draw its examples to ``examples/``."""
        self._epoch_started = (progress.step, time.perf_counter())
        if self._folder is None:
            return
        record: dict[str, Any] = {"kind": "validation"}
        record |= {"step": progress.step, "epoch": progress.epochs_done, "loss": report.loss}
        record |= {"auc": report.auc, "middle_auc": report.middle_auc}
        record |= {**choice._asdict(), "constant_size_px": report.constant_size}
        with suppress(OSError):  # a terminal that has gone
            tqdm.write(_describe(record, report.figures), file=sys.stderr)
        with writing(self._folder, "the journal"):
            self._write({**record, "figures": report.figures})
            self._add_scalars("validation", record, progress.step)
            for group, figures in report.figures.items():
                self._add_scalars(f"validation/{group.replace(' ', '_')}", figures, progress.step)
            if report.examples is not None:
                image = draw_examples(report.examples)
                name = f"epoch-{progress.epochs_done:04d}.png"
                write_png(self._folder / "examples" / name, image)
                if self._scalars is not None:
                    self._scalars.add_image("examples", image, progress.step, dataformats="HWC")

    def close(self) -> None:
        """Finish the files."""
        if self._folder is None:
            return
        with suppress(OSError):
            self._bar.close()
        with writing(self._folder, "the journal"):
            self._file.close()
            if self._scalars is not None:
                self._scalars.close()

    def _write(self, record: dict[str, Any]) -> None:
        plain = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in record.items()
        }
        self._file.write(json.dumps(plain) + "\n")
        self._file.flush()

    def _add_scalars(self, group: str, values: dict[str, Any], step: int) -> None:
        if self._scalars is None:
            return
        for name, value in values.items():
            if isinstance(value, float):
                self._scalars.add_scalar(f"{group}/{name}", value, step)


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a ``metrics.jsonl``; a last line that was cut short is left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def best_validation(records: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the validation that best.safetensors is of; None before the first."""
    found = [record for record in records if record["kind"] == "validation" and record["is_best"]]
    return found[-1] if found else None


def _describe(record: dict[str, Any], groups: Groups) -> str:
    """Return what the log says of a validation: a line, and a table of the groups of pairs."""
    best = " (best so far)" if record["is_best"] else ""
    return "\n  ".join(
        [
            f"epoch {record['epoch']}: validation loss {record['loss']:.3f}, AUC "
            f"{record['auc']:.3f} (the middle {record['middle_auc']:.3f}), selected by "
            f"{record['select']} {record['value']:.3f}{best}; in brackets: the "
            "middle, a constant box",
            *as_lines(groups),
        ]
    )


def _cut_metrics(path: Path, progress: Progress) -> None:
    if not path.exists():
        return
    kept = [
        record
        for record in read_metrics(path)
        if record["step"] <= progress.step
        and (record["kind"] == "step" or record["epoch"] <= progress.epochs_done)
    ]
    with whole_file(path) as temporary:
        temporary.write_text("".join(json.dumps(record) + "\n" for record in kept), "utf-8")


def _open_tensorboard(folder: Path, progress: Progress) -> Any:
    from torch.utils.tensorboard import SummaryWriter  # seconds of imports, for those who ask

    return SummaryWriter(str(folder / "tensorboard"), purge_step=progress.step + 1)
