"""Recipes, flags and their messages."""

from dataclasses import asdict
from pathlib import Path

import pytest

from manifests.table import read_manifest
from model.device import DeviceError, choose_device
from model.weights import read_description
from sampling.augment import AugmentSettings
from sampling.plan import make_plan
from sampling.track_table import track_table
from tests.support.launch import TINY, finish, start
from tests.support.made_manifests import Made, in_memory
from trainer.config import TrainConfig, as_json, changed_options
from trainer.recipes import parse_run, recipe_names
from trainer.run import main
from trainer.setup import find_thin_margins


def parse(*options: str) -> TrainConfig:
    return parse_run(options, prog="x")


@pytest.mark.parametrize("recipe", recipe_names())
def test_each_recipe_is_a_configuration(recipe: str) -> None:
    assert parse("--recipe", recipe).recipe == (recipe,)


def test_the_papers_stages_are_as_the_paper_has_them() -> None:
    pretrain, finetune = parse("--recipe", "paper-pretrain"), parse("--recipe", "paper-finetune")
    assert (pretrain.batch_size, finetune.batch_size) == (72, 72)
    assert (pretrain.schedule.epochs, pretrain.schedule.rates) == ((150,), (0.01,))
    assert finetune.schedule.epochs == (150, 100, 50)
    assert finetune.schedule.rates == (0.01, 0.001, 0.0001)
    assert finetune.schedule.momentum == 0.9
    assert finetune.schedule.weight_decay == 5e-4
    assert pretrain.augment.enabled
    assert not finetune.augment.enabled
    assert parse("--recipe", "paper-finetune-aug").augment.enabled
    assert (pretrain.model.head, finetune.model.head) == ("siamfc", "car")


def test_fine_tuning_takes_the_network_of_pretraining_and_the_shipped_one() -> None:
    pretrain, finetune = parse("--recipe", "pretrain"), parse("--recipe", "finetune")
    assert finetune.model == pretrain.model
    assert finetune.augment == pretrain.augment
    small = parse("--recipe", "finetune", "--recipe", "small", "--init-weights", "pretrained")
    assert asdict(small.model) == read_description("pretrained")["config"]


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


def test_every_option_of_the_training_can_stand_in_a_recipe(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'stage = "finetune"\noptimizer = "adamw"\nclip-norm = 5\ntrunk-rate = 0.1\nema = 0.999\n'
        '[schedule]\nshape = "cosine"\nepochs = [30]\nrates = [1e-3]\nwarmup-share = 0.03\n'
        "[augment]\ncolor = 0.2\nblur = 0.15\nsearch-aspect = 0.1\ntransplant = 0.25\n"
    )
    config = parse("--recipe", str(recipe))
    assert (config.optimizer, config.clip_norm, config.trunk_rate) == ("adamw", 5, 0.1)
    assert (config.ema, config.schedule.shape) == (0.999, "cosine")
    assert config.schedule.warmup_share == 0.03
    expected = AugmentSettings(color=0.2, blur=0.15, search_aspect=0.1, transplant=0.25)
    assert config.augment == expected


def test_an_unknown_recipe_names_those_there_are(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--recipe", "pretrian"]) == 2
    assert "--recipe 'pretrian': no such recipe. Give one of demo, finetune" in caplog.text


def test_a_run_without_manifests_says_how_to_make_one(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--device", "cpu"]) == 1
    assert "--manifests: none given. Build one with" in caplog.text


def test_a_weighted_source_may_lack_a_split_but_not_be_unknown() -> None:
    tracks = [Made("vid", "a", "t", (1, 2)), Made("vid", "b", "t", (1, 2), split="val")]
    manifests = [in_memory(tracks), in_memory([Made("davis", "c", "t", (1, 2))])]
    run = parse_run(["--data.weights", "vid=1,davis=0.1,lasot=2"], prog="x")
    assert run.settings_of("train", manifests)[0].weights == {"vid": 1, "davis": 0.1, "lasot": 2}
    assert run.settings_of("val", manifests)[0].weights == {"vid": 1, "lasot": 2}
    with pytest.raises(ValueError, match="no source 'lasot'"):
        make_plan(
            track_table(manifests, split="val"),
            run.settings_of("val", manifests)[0],
            seed=0,
            epoch=0,
        )


def test_weights_of_sources() -> None:
    parsed = parse("--data.weights", "vid=1,coco=0.5")
    assert parsed.data.weights == {"vid": 1.0, "coco": 0.5}
    assert parse().data.weights == {}


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--data.weights", "vid=1,coco", "'coco' is no weight, expected such as"),
        ("--data.max-gap", "-1", "max_gap must be at least 0 frames, got -1"),
        ("--data.negative-ratio", "2", "negative_ratio must be from 0 to 1"),
        ("--data.val-pairs", "0", "--data.val-pairs: 0, expected at least 1"),
        ("--workers", "-1", "--workers: -1, expected at least 0"),
        ("--checkpoint-steps", "-1", "--checkpoint-steps: -1, expected at least 0"),
        ("--schedule.rates", "nan", "expected positive numbers"),
        ("--schedule.momentum", "1", "a momentum below 1"),
        ("--device", "tpu", "cuda"),
        ("--out", "s3://bucket/run", "not a folder. A run is"),
    ],
)
def test_a_value_that_cannot_work_is_a_wrong_option(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option, value]) == 2
    said = " ".join(capsys.readouterr().err.replace("\u2502", " ").split())
    assert message in said


@pytest.mark.parametrize(
    ("options", "world_size", "message"),
    [
        ("--data.weights vidd=1", 1, "train pairs: weights: no source 'vidd' in the manifests"),
        ("--data.weights vid=0", 1, "every source weighs 0"),
        ("--data.pairs-per-epoch 41", 2, "train pairs: 41 pairs in batches of 4 leave 1"),
        ("--data.val-pairs 9", 2, "val pairs: 9 pairs in batches of 4 leave 1"),
        ("--batch-size 1", 2, "rank 0 of 2 with a global batch of 1"),
    ],
)
def test_what_does_not_fit_the_data_or_the_processes_is_one_line(
    options: str, world_size: int, message: str, sample_shards: Path, tmp_path: Path
) -> None:
    command = [*TINY, *options.split(), "--out", str(tmp_path / "run")]
    command += ["--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    assert finish(start(command, log=tmp_path / "log", world_size=world_size)) == [1] * world_size
    said = (tmp_path / "log.0").read_text()
    assert message in said
    assert "Traceback" not in said


def test_a_process_without_a_gpu_of_its_own_says_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "64")
    with pytest.raises(DeviceError, match="process 64 of this machine needs one"):
        choose_device("cuda")


def test_only_options_that_decide_the_result_count_as_changed() -> None:
    before = as_json(parse("--recipe", "paper-pretrain"))
    after = as_json(parse("--recipe", "paper-pretrain", "--workers", "7", "--model.width", "0.5"))
    assert changed_options(before, after) == ["--model.width: 1.0 -> 0.5"]


def test_shifts_beyond_the_margin_are_a_warning_with_the_margin_that_mends_it(
    sample_shards: Path,
) -> None:
    manifests = [read_manifest(str(sample_shards / "vid" / "manifest.parquet"))]
    (thin,) = find_thin_margins(parse_run(["--recipe", "pretrain"], prog="x"), manifests)
    assert "margin of 16 px" in thin
    assert "up to 60 px" in thin
    assert "--margin 60 or more" in thin
    for flags in (["--augment.search-translate-px", "16"], ["--augment.enabled", "False"]):
        assert find_thin_margins(parse_run(flags, prog="x"), manifests) == []
