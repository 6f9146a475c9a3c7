"""A head that is one file and a decoder that is one file: an entry each, and all commands work."""

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.images import decode_image
from evaluation import tune
from model.heads import HEADS
from model.summary import main as summarise
from model.weights import load_model
from tests.support.toys.decoder import ToyDecoder, ToySettings
from tests.support.toys.head import ToyHead
from tracking.decoders import DECODERS
from tracking.tracker import Tracker
from trainer.output.metrics import read_metrics
from trainer.preview import main as preview
from trainer.run import main as train

RECIPE = """
batch-size = 4
workers = 0
threads = 1
center-ratio = 0.5
[model]
head = "toy"
variant = "baseline"
width = 0.02
[data]
pairs-per-epoch = 8
val-pairs = 4
[schedule]
epochs = 1
rates = [0.001]
"""


@pytest.fixture(scope="module", autouse=True)
def toy_head() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HEADS, "toy", ToyHead)
        patch.setitem(DECODERS, "toy", ToyDecoder)
        yield


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("toy") / "toy.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="module")
def weights(recipe: str, sample_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("toy") / "run"
    options = ["--recipe", recipe, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    options += ["--device", "cpu", "--tensorboard", "False", "--out", str(out)]
    assert train([*options, "--model.head", "toy"]) == 0
    return out / "last.safetensors"


def test_a_new_head_trains_by_its_own_targets_and_loss(weights: Path) -> None:
    network = load_model(weights)
    assert isinstance(network.head, ToyHead)
    assert network.head.bias.item() != 0
    records = read_metrics(weights.parent / "metrics.jsonl")
    assert {record["select"] for record in records if record["kind"] == "validation"} == {"place"}


def test_the_preview_shows_the_positive_cells_of_a_new_head(
    recipe: str, sample_shards: Path, tmp_path: Path
) -> None:
    out = tmp_path / "pairs.html"
    manifest = str(sample_shards / "vid" / "manifest.parquet")
    options = ["--manifests", manifest, "--recipe", recipe, "--num-pairs", "2", "--out", str(out)]
    assert preview(options) == 0
    assert "toy head" in out.read_text()


def test_a_new_head_tracks_with_its_own_settings(weights: Path, sample_world: Path) -> None:
    sequence = min((sample_world / "OTB100").iterdir())
    first, second = (
        decode_image(path.read_bytes(), levels=None)
        for path in sorted((sequence / "img").iterdir())[:2]
    )
    box = np.array([40.0, 40.0, 30.0, 30.0])
    tracker = Tracker(load_model(weights), ToySettings(step=0))
    tracker.init(first, box)
    assert tracker.update(second).box_xywh == pytest.approx(box)


def test_the_settings_of_a_new_head_are_tuned_in_its_own_ranges(
    weights: Path, sample_world: Path, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    options = ["--weights", str(weights), "--src", "uav123"]
    options += ["--root", str(sample_world / "uav123"), "--tracks", "1", "--val-fraction", "0.5"]
    options += ["--frames", "2", "--trials", "2", "--out", str(tmp_path)]
    assert tune.main(options) == 0
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["head"] == "toy"
    assert set(best["settings"]) == {"step"}


def test_options_take_the_name_of_a_new_head_and_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert summarise(["--head", "toy", "--width", "0.02"]) == 0
    assert "head" in capsys.readouterr().out
    assert summarise(["--head", "toyy"]) == 2
    assert "expected one of" in capsys.readouterr().err
