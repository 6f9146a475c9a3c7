"""python -m sampling.preview: what the page says of a pair is what was done to its pixels."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from manifests.table import read_manifest
from sampling.augment import AugmentSettings
from sampling.plan import PairSettings
from tests.support import ROOT
from trainer.config import TrainConfig, as_json
from trainer.distributed import Ranks
from trainer.preview import PreviewConfig, PreviewData, first_pairs, main, run_of
from trainer.preview_pictures import template_shift
from trainer.recipes import parse_run
from trainer.run import main as train
from trainer.setup import Batches


@pytest.fixture
def manifests(sample_shards: Path) -> list[str]:
    return [str(sample_shards / source / "manifest.parquet") for source in ("vid", "lasot")]


@pytest.mark.parametrize("epoch", [0, 3])
def test_the_values_told_are_those_of_the_pixels(manifests: list[str], epoch: int) -> None:
    config = PreviewConfig(manifests=tuple(manifests), num_pairs=24, seed=5, epoch=epoch)
    opened = [read_manifest(url) for url in manifests]
    pairs = PairSettings(negative_ratio=0.3, pairs_per_epoch=50)
    before, plain = first_pairs(config, opened, pairs, AugmentSettings(enabled=False))
    after, origins = first_pairs(config, opened, pairs, AugmentSettings())
    assert {origin.change.gray for origin in origins} == {True, False}
    for index, origin in enumerate(origins):
        assert origin[:3] == plain[index][:3]
        assert max(map(abs, template_shift(origin))) < AugmentSettings().template_translate_px + 1
        assert template_shift(plain[index]) == (0, 0)
        search = after.search[index].numpy()
        assert origin.change.gray == (search == search[:, :, :1]).all()
        widths = [
            batch.boxes_xyxy[index, 2] - batch.boxes_xyxy[index, 0] for batch in (before, after)
        ]
        assert float(widths[1] / widths[0]) == pytest.approx(255 / origin.change.search.width)
        assert (origin.gap is not None) == bool(after.positive[index])
        same_track = origin.template.split(" frame ")[0] == origin.search.split(" frame ")[0]
        assert same_track == bool(after.positive[index])
    assert len({origin.template_px for origin in origins}) == 1
    sources = [[name.split()[0] for name in origin[:2]] for origin in origins]
    assert any(one != other for one, other in sources)  # of negative pairs
    assert {name for pair in sources for name in pair} == {"vid", "lasot"}


def test_moved_targets_and_changed_looks_are_told(manifests: list[str], tmp_path: Path) -> None:
    mine, out = tmp_path / "mine.toml", tmp_path / "pairs.html"
    mine.write_text("[augment]\ncolor = 0.2\nblur = 1\nsearch-aspect = 0.3\ntransplant = 1\n")
    options = ["--recipe", "paper-pretrain", "--recipe", str(mine), "--num-pairs", "4"]
    assert main(["--manifests", *manifests, *options, "--out", str(out)]) == 0
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", out.read_text(), re.DOTALL)
    assert len(captions) == 4
    for caption in captions:
        assert re.search(r"target moved before (vid|lasot) \S+ frame \d+", caption)
        assert re.search(r"search zoomed x\d\.\d\d by x\d", caption)
        assert "template contrast x" in caption
        assert re.search(r"search blurred by \d\.\d px", caption)


def test_pairs_before_augmentation_have_the_target_in_the_middle(manifests: list[str]) -> None:
    config = PreviewConfig(manifests=tuple(manifests), num_pairs=6)
    opened = [read_manifest(url) for url in manifests]
    batch, _ = first_pairs(config, opened, PairSettings(), AugmentSettings(enabled=False))
    centers = (batch.boxes_xyxy[:, :2] + batch.boxes_xyxy[:, 2:]).numpy() / 2
    assert np.abs(centers - 127.5).max() < 1e-3


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_pairs_shown_are_those_of_a_run(
    manifests: list[str], tmp_path: Path, split: Literal["train", "val"]
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        "batch-size = 12\nworkers = 0\n[data]\nnegative-ratio = 0.5\nval-pairs = 40\nmax-gap = 5\n"
        'pairs-per-epoch = 60\nweights = "vid=1,lasot=3"\n[augment]\ngray = 0.5\n'
    )
    recipes = ("paper-finetune-aug", str(mine))
    flags = [flag for recipe in recipes for flag in ("--recipe", recipe)]
    run = parse_run([*flags, "--manifests", *manifests, "--seed", "4"], prog="x")
    opened = [read_manifest(url) for url in manifests]
    batches = Batches(run, opened, Ranks())
    expected = next(
        iter(batches.epoch(2, first_step=0) if split == "train" else batches.validation())
    )
    config = PreviewConfig(
        manifests=tuple(manifests), recipe=recipes, split=split, seed=4, epoch=2, num_pairs=12
    )
    shown, _ = first_pairs(config, opened, *run_of(config).settings_of(split, opened))
    assert (shown.template == expected.template).all()
    assert (shown.search == expected.search).all()
    assert (shown.boxes_xyxy == expected.boxes_xyxy).all()
    assert (shown.positive == expected.positive).all()


def test_the_page_names_each_pair(manifests: list[str], tmp_path: Path) -> None:
    out = tmp_path / "pairs.html"
    options = [
        "--recipe",
        "paper-finetune",
        "--num-pairs",
        "3",
        "--split",
        "val",
        "--out",
        str(out),
    ]
    assert main(["--manifests", *manifests, *options]) == 0
    page = out.read_text()
    assert page.count("<figure") == 3
    assert page.count("colour; not mirrored; template zoomed x1.00, target at +0.0, +0.0 px") == 6
    assert "car head" in page


EVERY_OPTION = """
manifests = ["a.parquet"]
out = "runs/mine"
init-weights = "start.safetensors"
stage = "finetune"
trunk-rate = 0.25
seed = 9
batch-size = 12
center-ratio = 0.3
select = "center"
optimizer = "adamw"
clip-norm = 2.5
ema = 0.99
sync-batchnorm = false
precision = "bf16"
channels-last = true
compile = true
checkpoint-steps = 7
keep = 2
device = "cpu"
workers = 1
max-bad-samples = 4
threads = 3
tensorboard = false
wandb = true

[model]
head = "car"
variant = "cf1"
fusion = "pad"
template = "zero_mean"
norm = "none"
gain = 0.2
template-crop = 2
width = 0.25

[data]
where = "frame > 0"
access = "stream"
weights = "vid=1,lasot=3"
max-gap = 5
negative-ratio = 0.5
pairs-per-epoch = 60
track-weights = "frames"
val-pairs = 40

[augment]
enabled = false
gray = 0.5
flip = 0.25
search-translate-px = 8
search-scale = 0.05
template-translate-px = 2
template-scale = 0.01
search-aspect = 0.1
color = 0.3
blur = 0.4
transplant = 0.6

[schedule]
epochs = [3]
rates = [0.02]
shape = "cosine"
length-factor = 0.5
warmup-steps = 2
momentum = 0.8
weight-decay = 0.01
"""


def test_a_recipe_with_every_option_gives_the_preview_what_it_gives_the_trainer(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(EVERY_OPTION)
    run = parse_run(["--recipe", str(mine), "--manifests", "b", "--seed", "4"], prog="x")
    config = PreviewConfig(manifests=("b",), recipe=(str(mine),), seed=4)
    assert run_of(config) == run
    unset = [
        name
        for name, value in flat(as_json(TrainConfig())).items()
        if flat(as_json(run)).get(name) == value
    ]
    # each excludes another option that the recipe sets
    assert unset == ["model.backbone", "schedule.warmup_share"]
    mine.write_text(
        '[model]\nbackbone = "alexnet"\nvariant = "baseline"\n[schedule]\nwarmup-share = 0.1\n'
    )
    run = run_of(config)
    assert (run.model.backbone, run.schedule.warmup_share) == ("alexnet", 0.1)


def flat(table: dict[str, Any], prefix: str = "") -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in table.items():
        nested = isinstance(value, dict) and value
        values |= flat(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return values


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("[data]\nmax-gab = 3\n", "Unrecognized options: --data.max-gab=3"),
        ("[data]\nnegative-ratio = 2\n", "negative_ratio must be from 0 to 1, got 2"),
        ("[data]\ntrack-weights = 2\n", "invalid choice '2'"),
    ],
)
def test_what_is_wrong_in_a_recipe_stops_trainer_and_preview_with_the_same_line(
    recipe: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(recipe)
    for command in (train, main):
        assert command(["--recipe", str(mine), "--manifests", "m"]) == 2
        assert message in capsys.readouterr().err


def test_a_recipe_that_cannot_be_read_is_the_same_line_in_trainer_and_preview(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("no toml")
    for recipe, message in (("nothing", "Give one of demo, finetune"), (str(mine), "not TOML")):
        caplog.clear()
        for command in (train, main):
            assert command(["--recipe", recipe, "--manifests", "m"]) == 2
        assert message in caplog.messages[0]
        assert caplog.messages[0] == caplog.messages[1]


def test_the_command_keeps_its_name_beside_the_sampler(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sampling.preview", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert "usage: python -m sampling.preview" in done.stdout


def test_later_recipes_and_weights_given_by_hand_win(
    manifests: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'center-ratio = 0.4\n[data]\nmax-gap = 7\nweights = "vid=1"\n[model]\nhead = "siamfc"\n'
    )
    recipes = ("paper-finetune", str(path))
    data = PreviewData(weights="vid=2", where="frame > 3")
    run = run_of(PreviewConfig(manifests=tuple(manifests), recipe=recipes, data=data))
    assert (run.data.max_gap, run.model.head, run.center_ratio) == (7, "siamfc", 0.4)
    assert (run.data.weights, run.data.where) == ({"vid": 2.0}, "frame > 3")
    assert run.augment.enabled is False
    assert main(["--manifests", *manifests, "--data.weights", "vid"]) == 2
    assert main(["--manifests", *manifests, "--data.weights", "coco=1"]) == 1
    assert caplog.messages[-1].startswith("weights: no source 'coco' in the manifests")
    assert main(["--manifests", *manifests, "--num-pairs", "0"]) == 2
