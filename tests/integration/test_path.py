"""The whole path in small: shards, both stages, a tracked video, a report; and all of it again."""

import hashlib
from pathlib import Path

import pytest

from evaluation.run import main as evaluate
from model.weights import load_model
from tests.support.launch import train
from tracking.run import main as track

SMALL = [
    *("--recipe", "demo", "--model.width", "0.02", "--batch-size", "4", "--threads", "1"),
    *("--data.pairs-per-epoch", "12", "--data.val-pairs", "4", "--workers", "0"),
    *("--device", "cpu", "--tensorboard", "False"),
]


def run_both_stages(shards: Path, out: Path) -> Path:
    """Return the weights of the second stage."""
    out.mkdir()
    manifests = {name: str(shards / name / "manifest.parquet") for name in ("vid", "coco", "lasot")}
    first = ["--recipe", "paper-pretrain", *SMALL, "--manifests", manifests["vid"]]
    train([*first, "--out", str(out / "pretrain")], log=out / "log1")
    second = ["--recipe", "paper-finetune-aug", *SMALL, "--manifests", manifests["coco"]]
    second += [manifests["lasot"], "--init-weights", str(out / "pretrain" / "last.safetensors")]
    train([*second, "--out", str(out / "finetune")], log=out / "log2")
    return out / "finetune" / "last.safetensors"


@pytest.fixture(scope="module")
def weights(sample_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_both_stages(sample_shards, tmp_path_factory.mktemp("path") / "runs")


def test_the_same_seed_gives_the_same_weights(
    weights: Path, sample_shards: Path, tmp_path: Path
) -> None:
    again = run_both_stages(sample_shards, tmp_path / "runs")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (weights, again)]
    assert digests[0] == digests[1]


def test_weights_track_a_folder_of_images(
    weights: Path, sample_world: Path, tmp_path: Path
) -> None:
    sequence = min((sample_world / "OTB100").iterdir())
    options = ["--weights", str(weights), "--video", str(sequence / "img"), "--max-frames", "6"]
    options += ["--box", "40,40,30,30", "--out", str(tmp_path / "tracked.mp4")]
    assert track(options) == 0
    assert (tmp_path / "tracked.mp4").stat().st_size > 0
    assert list(tmp_path.glob("*.csv"))


def test_weights_are_evaluated(weights: Path, sample_world: Path, tmp_path: Path) -> None:
    root = str(sample_world / "OTB100")
    options = ["--benchmark", "otb100", "--root", root, "--weights", str(weights)]
    options += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    assert evaluate(options) == 0
    assert (tmp_path / "report" / "report.html").is_file()
    assert load_model(str(weights)).config.head == "car"
