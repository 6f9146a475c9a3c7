"""Readers of what this toolkit and others make of raw datasets: manifests, weights, results."""

from pathlib import Path

import numpy as np

from bench.faults.damaged import made_trees as trees
from bench.faults.damaged.mutations import BYTES, TEXT
from bench.faults.damaged.reader import Reader, command_on
from bench.faults.damaged.structures import (
    change_json,
    change_safetensors,
    sealed,
)
from bench.faults.damaged.tables import change_parquet, change_sqlite
from datasets.files.output import Output
from datasets.shards.progress import read_index
from evaluation.study import claim_study, finished_trials, open_study
from manifests.schema import ManifestError
from manifests.table import read_manifest
from model.weights import WeightsError, load_model
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from tracking.settings import choose_settings
from trainer.config import TrainingError
from trainer.output.checkpoint import find_newest, read_state
from trainer.recipes import parse_run as parse_recipe


def _read_pairs(tree: Path) -> None:
    manifest = read_manifest(str(tree / "manifest.parquet"))
    pairs = PairSettings(pairs_per_epoch=8)
    with PairLoader(
        [manifest], pairs=pairs, augment=AugmentSettings(), batch_size=4, num_workers=0, seed=0
    ) as loader:
        for batch in loader:
            boxes = batch.boxes_xyxy.numpy()
            assert np.isfinite(boxes).all(), "boxes that are not finite"


def _read_weights(tree: Path) -> None:
    network = load_model(tree / "w.safetensors")
    assert all(
        value.dtype.is_floating_point or value.ndim == 0 for value in network.state_dict().values()
    )


def _read_recipe(tree: Path) -> None:
    parse_recipe(["--recipe", str(tree / "recipe.toml"), "--manifests", "m"], prog="x")


def _read_study(tree: Path) -> None:
    import optuna

    study = open_study(optuna, tree / "study.db")
    claim_study(study, {"seed": 0}, {"truth": "x"}, where="study.db")
    assert all(isinstance(trial.value, (int, float)) for trial in finished_trials(study))


def _read_settings(tree: Path) -> None:
    choose_settings("siamfc", file=str(tree / "best.json"))


def _read_checkpoint(tree: Path) -> None:
    newest = find_newest(tree)
    assert newest is not None
    assert "optimizer" in read_state(newest)
    load_model(newest / "weights.safetensors")


_JSON = (*TEXT, *(change_json,) * 10)

_REPORT = command_on("trainer.report", "--run", "{tree}", "--out", "{out}/x.html")

MADE_READERS: tuple[Reader, ...] = (
    Reader(
        name="parquet manifest",
        file="manifest.parquet",
        make=trees.write_made_crops,
        read=_read_pairs,
        mutations=(*BYTES, *(change_parquet,) * 12),
        errors=(ManifestError,),
        is_named=False,
        command=command_on(
            "datasets.report",
            "--manifests",
            "{tree}/manifest.parquet",
            "--out",
            "{out}/x.html",
        ),
    ),
    Reader(
        name="parquet of a build",
        file=".build/lasot-000000.tar.parquet",
        make=trees.write_unfinished,
        read=lambda tree: (read_index(Output(str(tree)), "lasot-000000.tar"), None)[1],
        mutations=(*BYTES, *(change_parquet,) * 12),
        is_named=False,
    ),
    Reader(
        name="tar shards",
        file="lasot-000000.tar",
        make=trees.write_made_crops,
        read=_read_pairs,
        mutations=BYTES,
        errors=(ManifestError,),
        command=command_on(
            "datasets.report",
            "--manifests",
            "{tree}/manifest.parquet",
            "--out",
            "{out}/x.html",
        ),
    ),
    Reader(
        name="safetensors",
        file="w.safetensors",
        make=trees.write_weights,
        read=_read_weights,
        mutations=(*BYTES, *(change_safetensors,) * 12),
        errors=(WeightsError,),
        seal=sealed,
        command=command_on("model.summary", "--weights", "{tree}/w.safetensors"),
    ),
    Reader(
        name="safetensors, their JSON",
        file="w.json",
        make=trees.write_weights,
        read=_read_weights,
        mutations=_JSON,
        errors=(WeightsError,),
        command=command_on("model.summary", "--weights", "{tree}/w.safetensors"),
    ),
    Reader(
        name="recipe",
        file="recipe.toml",
        make=trees.file("recipe.toml", trees.recipe),
        read=_read_recipe,
        mutations=TEXT,
        errors=(ValueError,),
        is_named=False,
        command=command_on(
            "trainer.run",
            "--recipe",
            "{tree}/recipe.toml",
            "--manifests",
            "{out}/none",
            "--out",
            "{out}/run",
        ),
    ),
    Reader(
        name="study",
        file="study.db",
        make=trees.write_study,
        read=_read_study,
        is_output=True,
        mutations=(*BYTES, *(change_sqlite,) * 12),
    ),
    Reader(
        name="study, its settings",
        file="best.json",
        make=trees.file("best.json", trees.settings),
        read=_read_settings,
        mutations=_JSON,
    ),
    Reader(
        name="run options",
        file="run.json",
        make=trees.write_run,
        read=lambda tree: None,
        is_named=False,
        is_output=True,
        mutations=_JSON,
        command=_REPORT,
    ),
    Reader(
        name="run metrics",
        file="metrics.jsonl",
        make=trees.write_run,
        read=lambda tree: None,
        is_named=False,
        is_output=True,
        mutations=_JSON,
        command=_REPORT,
    ),
    *(
        Reader(
            name=f"checkpoint {file}",
            file=f"step-1/{file}",
            make=trees.write_checkpoint,
            read=_read_checkpoint,
            mutations=mutations,
            errors=(TrainingError, WeightsError),
            is_named=False,
        )
        for file, mutations in (("contents.json", _JSON), ("state.pt", BYTES))
    ),
)
