"""Small files that this toolkit or another one has written."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import torch

from datasets.files.output import Output
from datasets.shards.progress import write_index
from datasets.shards.tasks import ShardResult
from evaluation.study import claim_study, open_study
from manifests.table import read_manifest
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tests.support.crops import MadeTrack, write_crops
from trainer.recipes import RECIPES

TRUTH = np.array([[10.5 + n, 20, 30, 40.25] for n in range(6)])


VOT_LINES = ["1", "10,20,30,40", "10,20,50,20,50,60,10,60", "2", "0", "1"]


def write_made_crops(tree: Path) -> None:
    """Write two shards and their manifest."""
    tracks = [
        MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4), split="val" if i > 3 else "train")
        for i in range(6)
    ]
    write_crops(tree, tracks, tracks_per_shard=3)


def write_unfinished(tree: Path) -> None:
    """Write the record of a finished shard, as an unfinished build keeps it."""
    write_made_crops(tree)
    manifest = read_manifest(str(tree / "manifest.parquet"))
    info = manifest.metadata.shards[0]
    result = ShardResult(info=info, dropped=Counter(), bad_images=())
    write_index(Output(str(tree)), result, manifest.rows.filter(pl.col("shard") == info.name))


def write_weights(tree: Path) -> None:
    """Write a narrow network."""
    torch.manual_seed(0)
    tree.mkdir(parents=True)
    network = build_model(ModelConfig(width=0.02, head="car", variant="baseline"))
    save_weights(tree / "w.safetensors", network, provenance={"manifests": [], "options": {}})


def file(name: str, data: Callable[[], bytes]) -> Callable[[Path], None]:
    """Return a call that writes a file."""

    def make(tree: Path) -> None:
        tree.mkdir(parents=True)
        (tree / name).write_bytes(data())

    return make


def recipe() -> bytes:
    """Return a recipe that comes with the toolkit."""
    return (RECIPES / "finetune.toml").read_bytes()


def write_study(tree: Path) -> None:
    """Write a study of three trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tree.mkdir(parents=True)
    study = open_study(optuna, tree / "study.db")
    claim_study(study, {"seed": 0}, {"truth": "x"}, where="study.db")
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    study.optimize(lambda trial: trial.suggest_float("window", 0, 1), n_trials=3)


def settings() -> bytes:
    """Return settings as evaluation.tune writes them."""
    values = {"window": 0.3, "penalty": 0.1, "update_rate": 0.4}
    return json.dumps(
        {"head": "siamfc", "settings": values, "tuned_on": {"uav123": ["a"]}}
    ).encode()


@cache
def trained() -> dict[str, bytes]:
    """Return the files of a short run."""
    import tempfile

    from trainer.run import main

    with tempfile.TemporaryDirectory() as folder:
        write_made_crops(Path(folder) / "crops")
        options = [
            *("--recipe", "siamfc", "--model.width", "0.02", "--batch-size", "4", "--threads", "1"),
            *("--schedule.epochs", "1", "--data.pairs-per-epoch", "8", "--data.val-pairs", "8"),
            *("--workers", "0", "--tensorboard", "False", "--device", "cpu"),
            *("--manifests", f"{folder}/crops/manifest.parquet", "--out", f"{folder}/run"),
        ]
        assert main(options) == 0
        run = Path(folder) / "run"
        return {
            path.relative_to(run).as_posix(): path.read_bytes()
            for path in run.rglob("*")
            if path.is_file() and "events" not in path.name
        }


def write_run(tree: Path) -> None:
    """Write the folder of a short run."""
    for name, data in trained().items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)


def write_checkpoint(tree: Path) -> None:
    """Write a checkpoint."""
    write_run(tree / "made")
    (step,) = (tree / "made/checkpoints").glob("step-*")
    shutil.move(step, tree / "step-1")
    shutil.rmtree(tree / "made")
