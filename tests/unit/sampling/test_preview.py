"""python -m sampling.preview: what the page says of a pair is what was done to its pixels."""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tyro

from manifests.schema import ManifestError
from manifests.table import read_manifest
from sampling.augment import AugmentSettings
from sampling.plan import PairSettings
from sampling.preview import PreviewConfig, first_pairs, main, pair_settings
from sampling.preview_pictures import template_shift
from sampling.recipe import read_recipes
from trainer.config import TrainConfig
from trainer.distributed import Ranks
from trainer.options import expand_recipes
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
    run = tyro.cli(
        TrainConfig,
        args=expand_recipes([*flags, "--manifests", *manifests, "--seed", "4"]),
        config=(tyro.conf.FlagConversionOff,),
    )
    opened = [read_manifest(url) for url in manifests]
    batches = Batches(run, opened, Ranks())
    expected = next(
        iter(batches.epoch(2, first_step=0) if split == "train" else batches.validation())
    )
    config = PreviewConfig(
        manifests=tuple(manifests), recipe=recipes, split=split, seed=4, epoch=2, num_pairs=12
    )
    pairs, augment = pair_settings(config, read_recipes(recipes))
    shown, _ = first_pairs(config, opened, pairs, augment)
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


def test_a_recipe_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"--recipe nothing: .*expected one of .*'pretrain'"):
        read_recipes(["nothing"])
    path = tmp_path / "mine.toml"
    path.write_text("no toml")
    with pytest.raises(ManifestError, match=r"mine.toml: not TOML"):
        read_recipes([str(path)])
    path.write_text("[data]\nnegative-ratio = 2\n")
    with pytest.raises(ManifestError, match=r"negative_ratio must be from 0 to 1, got 2"):
        read_recipes([str(path)])


def test_later_recipes_and_weights_given_by_hand_win(
    manifests: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('center-ratio = 0.4\n[data]\nmax-gap = 7\n[model]\nhead = "siamfc"\n')
    recipe = read_recipes(["paper-finetune", str(path)])
    assert (recipe.pairs.max_gap, recipe.head, recipe.center_ratio) == (7, "siamfc", 0.4)
    assert recipe.augment.enabled is False
    config = PreviewConfig(manifests=tuple(manifests), weights="vid=2")
    assert pair_settings(config, recipe)[0].weights == {"vid": 2.0}
    assert main(["--manifests", *manifests, "--weights", "vid"]) == 1
    assert caplog.messages[-1].startswith("--weights 'vid': 'vid' is no weight")
    assert main(["--manifests", *manifests, "--weights", "coco=1"]) == 1
    assert caplog.messages[-1].startswith("weights: no source 'coco' in the manifests")
    assert main(["--manifests", *manifests, "--num-pairs", "0"]) == 2
