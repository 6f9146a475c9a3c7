"""The journal passes each record to all of its sinks."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.support.launch import TINY
from trainer.output.checkpoint import Progress
from trainer.output.examples import Image
from trainer.output.journal import Journal, open_sinks
from trainer.output.metrics import METRICS, JsonLines, Record, read_metrics
from trainer.output.sinks import Sink, WandB
from trainer.recipes import parse_run
from trainer.run import main
from trainer.validation.selection import Choice
from trainer.validation.validate import ValidationReport


class Memory:
    """A sink of a user's own."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_closed = False

    def write(self, record: Record, image: Image | None) -> None:
        self.records.append(record)

    def close(self) -> None:
        self.is_closed = True


def write_some(journal: Journal, progress: Progress) -> None:
    for step in range(1, 21):
        progress.step = step
        journal.write_step(progress, {"loss": 1 / step}, rate=0.1, data_wait=0.0)
    progress.epochs_done = 1
    report = ValidationReport(
        loss=0.5, auc=0.9, middle_auc=0.6, figures={"all": {"num_pairs": 4}}, constant_size=(1, 2)
    )
    journal.write_validation(progress, report, Choice("loss", -0.5, is_best=True))
    journal.close()


def test_a_sink_of_ones_own_gets_what_the_file_gets(tmp_path: Path) -> None:
    progress, memory = Progress(), Memory()
    sinks: list[Sink] = [JsonLines(tmp_path, progress), memory]
    write_some(Journal(tmp_path, sinks, batch_size=4, progress=progress), progress)
    assert [record["kind"] for record in memory.records] == ["step"] * 20 + ["validation"]
    in_file = list(read_metrics(tmp_path / METRICS))
    assert [record["loss"] for record in in_file] == [r["loss"] for r in memory.records]
    assert memory.is_closed


def test_the_options_name_the_sinks(tmp_path: Path) -> None:
    progress = Progress()
    for options, more in ([], []), (["--tensorboard", "True"], ["TensorBoard"]):
        config = parse_run([*TINY, *options], prog="x")
        sinks = open_sinks(tmp_path, config, progress, total_steps=1)
        Journal(tmp_path, sinks, batch_size=1, progress=progress).close()
        names = [type(sink).__name__ for sink in sinks]
        assert names == ["JsonLines", "ExampleFiles", "Bar", *more]


def test_weights_and_biases_gets_every_tenth_step_and_all_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dict[str, Any]] = []
    logged: list[dict[str, Any]] = []
    run = SimpleNamespace(log=logged.append, finish=lambda: logged.append({}))

    def init(**options: object) -> SimpleNamespace:
        started.append(options)
        return run

    fake = SimpleNamespace(init=init, Image=np.asarray)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for _ in range(2):  # the same folder goes on with the same run
        progress = Progress()
        sink = WandB(tmp_path, {"seed": 3})
        write_some(Journal(tmp_path, [sink], batch_size=4, progress=progress), progress)
    assert started[0] == started[1]
    assert started[0]["config"] == {"seed": 3}
    assert [points.get("step") for points in logged[:4]] == [10, 20, 20, None]
    assert logged[0]["train/loss"] == 0.1
    assert logged[2]["validation/auc"] == 0.9


def test_weights_and_biases_that_is_not_installed_is_one_line(
    sample_shards: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    options = ["--manifests", str(sample_shards / "vid" / "manifest.parquet"), "--wandb", "True"]
    assert main([*TINY, *options, "--out", str(tmp_path / "run")]) == 1
    assert caplog.messages[-1].startswith("--wandb: the package wandb is not installed. Install")
