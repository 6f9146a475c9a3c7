"""python -m sampling.preview: what the page says of a pair is what was done to its pixels."""

from pathlib import Path

import numpy as np
import pytest

from manifests.schema import ManifestError
from manifests.table import read_manifest
from sampling.augment import AugmentSettings
from sampling.plan import PairSettings
from sampling.preview import PreviewConfig, first_pairs, main, read_recipe


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
        assert origin[:4] == plain[index][:4]
        search = after.search[index].numpy()
        assert origin.change.gray == (search == search[:, :, :1]).all()
        widths = [
            batch.boxes_xyxy[index, 2] - batch.boxes_xyxy[index, 0] for batch in (before, after)
        ]
        assert float(widths[1] / widths[0]) == pytest.approx(255 / origin.change.search.side)
        assert (origin.gap is not None) == bool(after.positive[index])
        same_track = origin.template.split(" frame ")[0] == origin.search.split(" frame ")[0]
        assert same_track == bool(after.positive[index])


def test_pairs_before_augmentation_have_the_target_in_the_middle(manifests: list[str]) -> None:
    config = PreviewConfig(manifests=tuple(manifests), num_pairs=6)
    opened = [read_manifest(url) for url in manifests]
    batch, _ = first_pairs(config, opened, PairSettings(), AugmentSettings(enabled=False))
    centers = (batch.boxes_xyxy[:, :2] + batch.boxes_xyxy[:, 2:]).numpy() / 2
    assert np.abs(centers - 127.5).max() < 1e-3


def test_the_page_names_each_pair(manifests: list[str], tmp_path: Path) -> None:
    out = tmp_path / "pairs.html"
    options = ["--recipe", "finetune", "--num-pairs", "3", "--split", "val", "--out", str(out)]
    assert main(["--manifests", *manifests, *options]) == 0
    page = out.read_text()
    assert page.count("<figure") == 3
    assert page.count("not mirrored, template x1.00, search x1.00") == 6  # alt text and caption
    assert "car head" in page


def test_a_recipe_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"--recipe nothing: .*expected one of .*'pretrain'"):
        read_recipe("nothing")
    path = tmp_path / "mine.toml"
    path.write_text("no toml")
    with pytest.raises(ManifestError, match=r"mine.toml: not TOML"):
        read_recipe(str(path))
    path.write_text('[data]\nmax-gap = 7\n[augment]\ngray = 0.5\n[model]\nhead = "car"\n')
    recipe = read_recipe(str(path))
    assert (recipe.pairs.max_gap, recipe.augment.gray, recipe.head) == (7, 0.5, "car")
