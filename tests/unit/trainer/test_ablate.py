"""trainer.ablate: one command from manifests to Table III, and what is wrong shows at once."""

import json
from pathlib import Path

import pytest

from model.weights import load_model, read_description
from tests.support.launch import losses
from trainer.ablate import main

RECIPE = """
batch-size = 4
threads = 1
workers = 0
tensorboard = false
device = "cpu"
[model]
width = 0.02
[data]
pairs-per-epoch = 16
val-pairs = 4
[schedule]
length-factor = 0.001
"""


def options(shards: Path, world: Path, out: Path) -> list[str]:
    recipe = out.with_name("tiny.toml")
    recipe.write_text(RECIPE)
    return [
        *("--pretrain-manifests", str(shards / "vid" / "manifest.parquet")),
        *("--finetune-manifests", str(shards / "lasot" / "manifest.parquet")),
        *("--root", str(world / "OTB100"), "--out", str(out), "--recipe", str(recipe)),
    ]


@pytest.mark.slow
def test_each_variant_is_trained_on_the_same_pairs_and_stands_beside_the_papers(
    sample_shards: Path,
    sample_world: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "ablation"
    command = [*options(sample_shards, sample_world, out), "--variants", "baseline", "double"]
    assert main(command) == 0
    static, *table = capfd.readouterr().out.splitlines()[-4:-1]
    auc = json.loads((out / "static" / "report" / "curves.json").read_text())
    auc = auc["trackers"]["static"]["total"]["auc"]
    assert static.split()[:6] == ["a", "box", "that", "never", "moves", f"{auc:.3f}"]
    provenances = []
    for variant, name, row in zip(
        ("baseline", "double"), ("Baseline", "CF-double"), table, strict=True
    ):
        weights = out / variant / "finetune" / "best.safetensors"
        assert load_model(weights).config.variant == variant
        provenances.append(read_description(weights)["provenance"])
        curves = json.loads((out / variant / "report" / "curves.json").read_text())
        auc = curves["trackers"][variant]["total"]["auc"]
        assert row.split()[:2] == [name, f"{auc:.3f}"]
    first, second = provenances
    assert first["manifests"] == second["manifests"]
    assert first["options"]["seed"] == second["options"]["seed"]
    assert [row.split()[5:] for row in table] == [
        ["0.612", "0.793", "106"],
        ["0.659", "0.897", "39"],
    ]
    assert "CF-double" in (out / "ablation.html").read_text()
    curve = losses(out / "double" / "finetune")
    assert main(command) == 0  # nothing is done again
    assert capfd.readouterr().out.splitlines()[-3:-1] == table
    assert losses(out / "double" / "finetune") == curve


def test_what_cannot_be_read_shows_before_the_training(
    sample_shards: Path,
    sample_world: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    out = tmp_path / "ablation"
    command = options(sample_shards, sample_world, out)
    assert main([*command, "--root", str(tmp_path / "OTB")]) == 1
    assert "evaluation.run: stopped with an error, see above" in caplog.text
    assert main([*command, "--finetune-manifests", "nothing.parquet"]) == 1
    assert "nothing.parquet: no such manifest" in caplog.text
    assert not (out / "baseline").exists()
