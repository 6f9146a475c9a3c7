"""Recipes, flags and their messages."""

from pathlib import Path

import pytest
import tyro

from trainer.config import TrainConfig, TrainingError, as_json, changed_options, source_weights
from trainer.options import expand_recipes, recipe_names
from trainer.run import main


def parse(*options: str) -> TrainConfig:
    return tyro.cli(
        TrainConfig, args=expand_recipes(options), config=(tyro.conf.FlagConversionOff,)
    )


@pytest.mark.parametrize("recipe", recipe_names())
def test_each_recipe_is_a_configuration(recipe: str) -> None:
    assert parse("--recipe", recipe).recipe == (recipe,)


def test_the_papers_stages_are_as_the_paper_has_them() -> None:
    pretrain, finetune = parse("--recipe", "pretrain"), parse("--recipe", "finetune")
    assert (pretrain.batch_size, finetune.batch_size) == (72, 72)
    assert (pretrain.schedule.epochs, pretrain.schedule.rates) == ((150,), (0.01,))
    assert finetune.schedule.epochs == (150, 100, 50)
    assert finetune.schedule.rates == (0.01, 0.001, 0.0001)
    assert finetune.schedule.momentum == 0.9
    assert finetune.schedule.weight_decay == 5e-4
    assert pretrain.augment.enabled
    assert not finetune.augment.enabled
    assert parse("--recipe", "finetune-aug").augment.enabled
    assert (pretrain.model.head, finetune.model.head) == ("siamfc", "car")


def test_flags_override_recipes_and_later_recipes_earlier_ones() -> None:
    config = parse("--batch-size", "5", "--recipe", "finetune", "--recipe=demo", "--seed", "7")
    assert config.recipe == ("finetune", "demo")
    assert config.stage == "finetune"
    assert config.model.width == 0.125
    assert (config.batch_size, config.seed) == (5, 7)


def test_a_file_is_a_recipe_and_its_unknown_keys_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("seed = 4\n[data]\nmax-gap = 3\n")
    assert parse("--recipe", str(recipe)).data.max_gap == 3
    recipe.write_text("[data]\nmax-gab = 3\n")
    assert main(["--recipe", str(recipe)]) == 2
    assert "--data.max-gab" in capsys.readouterr().err


def test_an_unknown_recipe_names_those_there_are(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--recipe", "pretrian"]) == 2
    assert "--recipe 'pretrian': no such recipe. Give one of demo, finetune" in caplog.text


def test_a_run_without_manifests_says_how_to_make_one(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--device", "cpu"]) == 1
    assert "--manifests: none given. Build one with" in caplog.text


def test_weights_of_sources() -> None:
    assert source_weights("vid=1,coco=0.5") == {"vid": 1.0, "coco": 0.5}
    assert source_weights("") == {}
    with pytest.raises(TrainingError, match="'coco' is no weight, expected such as"):
        source_weights("vid=1,coco")


def test_only_options_that_decide_the_result_count_as_changed() -> None:
    before = as_json(parse("--recipe", "pretrain"))
    after = as_json(parse("--recipe", "pretrain", "--workers", "7", "--model.width", "0.5"))
    assert changed_options(before, after) == ["--model.width: 1.0 -> 0.5"]
