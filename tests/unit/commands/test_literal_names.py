"""What people name is one place: brackets, stars, question marks and braces are letters."""

import shutil
from pathlib import Path

import pytest

from commands.files import write_whole
from commands.stores import open_file
from model.config import ModelConfig
from model.network import build_model
from model.weights import load_model, save_weights
from tests.support.builds import build
from tests.support.stores import read_everything

NAMES = ["set[1]", "set?", "set*", "set{0..1}", "a::b", "local:x", "100%25", "a b#c"]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name_is_built_and_read(
    name: str, sample_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    neighbour = tmp_path / "set1" / ".build" / "keep-me"
    neighbour.parent.mkdir(parents=True)
    neighbour.write_text("another build")
    assert build(sample_world / "uav123", Path(name)) == 0
    assert not (tmp_path / name / ".build").exists()
    assert neighbour.exists()
    read_everything(name, f"{name}/manifest.parquet", tmp_path / "cache")


@pytest.mark.parametrize("name", ["w[1]", "w?", "a::b"])
def test_weights_and_pages_of_any_name_come_back(name: str, tmp_path: Path) -> None:
    network = build_model(ModelConfig(width=0.02))
    for folder in (f"{tmp_path}/{name}", f"memory://{tmp_path}/{name.replace('::', '')}"):
        save_weights(f"{folder}/best.safetensors", network, provenance={})
        assert load_model(f"{folder}/best.safetensors").config == network.config
        write_whole(f"{folder}/page.html", b"page")
        with open_file(f"{folder}/page.html") as file:
            assert file.read() == b"page"


def test_a_study_lies_in_the_folder_that_was_named(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    from evaluation.study import open_study

    folder = tmp_path / "a?b#c%20d[1]"
    folder.mkdir()
    open_study(optuna, folder / "study.db")
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert [path.name for path in folder.iterdir()] == ["study.db"]


def test_a_chain_of_stores_still_opens(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/a.txt").write_text("in a zip")
    shutil.make_archive(str(tmp_path / "b"), "zip", tmp_path / "inner")
    with open_file(f"zip://a.txt::file://{tmp_path}/b.zip") as file:
        assert file.read() == b"in a zip"
