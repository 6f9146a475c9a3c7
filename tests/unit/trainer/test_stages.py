"""Both stages in small: they learn, the frozen part stays, and all that a run leaves is there."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import tyro
from safetensors.torch import load_file

from model.weights import load_model, read_description, save_weights
from tests.support.launch import TINY, finish, losses, start, train
from trainer.config import TrainConfig
from trainer.distributed import Ranks
from trainer.output.metrics import read_metrics
from trainer.preemption import StopRequest
from trainer.recipes import expand_recipes
from trainer.report import main as write_report
from trainer.setup import Batches, make_learner, open_manifests
from trainer.validation.validate import validate

SMALL = [
    *("--model.width", "0.02", "--model.fusion", "pad", "--model.template", "zero_mean"),
    *("--model.gain", "0.1", "--batch-size", "4", "--threads", "1", "--device", "cpu"),
    *("--data.pairs-per-epoch", "48", "--data.val-pairs", "16", "--workers", "0"),
    *("--checkpoint-steps", "5"),
]
SECOND_STAGE = ("vid", "coco", "lasot")
"""The tiny world's uav123 trains on one track, which is too little to learn from."""


@pytest.fixture(scope="module")
def pretrained(sample_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stages") / "pretrain"
    options = ["--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    command = ["--recipe", "paper-pretrain", *SMALL, *options, "--schedule.epochs", "3"]
    train([*command, "--out", str(folder)], log=folder.with_name("log1"))
    return folder


@pytest.fixture(scope="module")
def second_stage(pretrained: Path, sample_shards: Path) -> list[str]:
    manifests = [str(sample_shards / name / "manifest.parquet") for name in SECOND_STAGE]
    command = ["--recipe", "paper-finetune-aug", *SMALL, "--manifests", *manifests]
    command += ["--init-weights", str(pretrained / "last.safetensors"), "--tensorboard", "False"]
    command += ["--schedule.epochs", "2", "1", "1"]
    return [*command, "--data.pairs-per-epoch", "160", "--data.val-pairs", "48"]


@pytest.fixture(scope="module")
def finetuned(pretrained: Path, second_stage: list[str]) -> Path:
    folder = pretrained.with_name("finetune")
    train([*second_stage, "--out", str(folder)], log=folder.with_name("log2"))
    return folder


def validations(folder: Path) -> list[dict[str, Any]]:
    records = read_metrics(folder / "metrics.jsonl")
    return [record for record in records if record["kind"] == "validation"]


def test_pretraining_lowers_the_loss(pretrained: Path) -> None:
    curve = losses(pretrained)
    assert len(curve) == 36
    assert sum(curve[-6:]) / 6 < 0.95 * sum(curve[:6]) / 6


def untrained_mean_iou(options: list[str], seed: int) -> float:
    """Return where fine-tuning with this seed starts."""
    config = tyro.cli(
        TrainConfig,
        args=expand_recipes([*options, "--seed", str(seed)]),
        config=(tyro.conf.FlagConversionOff,),
    )
    batches = Batches(config, open_manifests(config), Ranks())
    learner = make_learner(config, Ranks(), torch.device("cpu"))
    report = validate(learner, batches.validation(), batches.known, stop=StopRequest())
    assert report is not None
    value = report.figures["all"]["iou"]
    assert value is not None
    return value


def test_finetuning_improves_mean_iou(second_stage: list[str], finetuned: Path) -> None:
    # A head that knows nothing is good at one place by luck, so the start is that of several.
    starts = [untrained_mean_iou(second_stage, seed) for seed in range(4)]
    curve = losses(finetuned)
    assert validations(finetuned)[-1]["figures"]["all"]["iou"] > sum(starts) / len(starts)
    assert sum(curve[-6:]) < sum(curve[:6])


def test_finetuning_moves_conv5_conv6_and_the_head_only(pretrained: Path, finetuned: Path) -> None:
    before, after = (load_file(path / "last.safetensors") for path in (pretrained, finetuned))
    shared = [name for name in after if name.startswith("backbone.")]
    moved = {name for name in shared if not after[name].equal(before[name])}
    assert moved
    assert all(name.startswith("backbone.tail.") for name in moved)
    assert any(name.startswith("backbone.fusion1.") for name in shared)


def test_the_last_epoch_is_saved_and_says_where_it_comes_from(
    pretrained: Path, finetuned: Path
) -> None:
    assert load_model(finetuned / "last.safetensors").config.head == "car"
    provenance = read_description(finetuned / "last.safetensors")["provenance"]
    assert (provenance["step"], provenance["epoch"]) == (160, 4)
    assert provenance["options"]["schedule"]["rates"] == [0.01, 0.001, 0.0001]
    assert [len(each["fingerprint"]) for each in provenance["manifests"]] == [64, 64, 64]
    origin = read_description(pretrained / "last.safetensors")
    assert provenance["init_weights"]["sha256"] == origin["sha256"]
    best = read_description(finetuned / "best.safetensors")["provenance"]["epoch"]
    assert best == 1 + max(range(4), key=lambda epoch: validations(finetuned)[epoch]["value"])
    assert {record["select"] for record in validations(finetuned)} == {"iou"}


@pytest.mark.parametrize(("weights", "code"), [("last", 0), ("best", 1)])
def test_a_run_goes_on_from_moved_weights_but_not_from_others(
    weights: str, code: int, pretrained: Path, finetuned: Path, second_stage: list[str]
) -> None:
    moved = finetuned.parent / "elsewhere"
    shutil.copytree(pretrained, moved, dirs_exist_ok=True)
    log = finetuned.with_name(f"log_{weights}")
    if weights == "best":  # as if stage 1 had ended otherwise
        save_weights(
            moved / "best.safetensors", load_model(finetuned / "best.safetensors"), provenance={}
        )
    options = [*second_stage, "--init-weights", str(moved / f"{weights}.safetensors")]
    assert finish(start([*options, "--out", str(finetuned)], log=log)) == [code]
    said = Path(f"{log}.0").read_text()
    assert ("the run is complete" if code == 0 else "or initial weights") in said


def test_only_the_newest_checkpoints_are_kept(pretrained: Path) -> None:
    kept = sorted(path.name for path in (pretrained / "checkpoints").iterdir())
    assert [name[:13] for name in kept] == ["step-00000030", "step-00000035", "step-00000036"]


def test_tensorboard_has_scalars_and_example_pairs(pretrained: Path) -> None:
    (events,) = (pretrained / "tensorboard").iterdir()
    data = events.read_bytes()
    for tag in (
        b"train/loss",
        b"train/rate",
        b"validation/auc",
        b"validation/video/center_error_px",
        b"examples",
    ):
        assert tag in data


def test_the_report_is_one_page_with_curves_examples_and_provenance(pretrained: Path) -> None:
    assert write_report(["--run", str(pretrained)]) == 0
    page = (pretrained / "report.html").read_text()
    provenance = json.loads((pretrained / "run.json").read_text())
    assert page.count("data:image/png;base64") == 2
    curves = page[page.index("<svg ") : page.index("</svg>")]
    assert "stroke: currentColor" in curves  # light or dark, as the page
    assert not {"#000000", "#ffffff"} & set(re.findall("#[0-9a-f]{6}", curves))
    assert provenance["manifests"][0]["fingerprint"] in page
    assert "selected by place" in page
    assert "... the middle" in page
    assert (pretrained / "curves.png").stat().st_size > 10_000


def test_a_report_on_no_run_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert write_report(["--run", str(tmp_path)]) == 1
    assert "no run; --run is the folder that trainer.run calls --out" in caplog.text


@pytest.mark.parametrize(
    "stage", [[], ["--model.backbone", "dcffnet", "--model.variant", "double"]]
)
def test_bf16_and_channels_last_learn_as_float32_does(
    stage: list[str], sample_shards: Path, tmp_path: Path
) -> None:
    options = [*TINY, *stage, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    options += ["--data.pairs-per-epoch", "12", "--schedule.epochs", "1"]
    curves = []
    for name, extra in (
        ("plain", []),
        ("fast", ["--precision", "bf16", "--channels-last", "True"]),
    ):
        train([*options, *extra, "--out", str(tmp_path / name)], log=tmp_path / f"log_{name}")
        curves.append(losses(tmp_path / name))
    assert curves[1] == pytest.approx(curves[0], rel=0.1)
    assert curves[1] != curves[0]
