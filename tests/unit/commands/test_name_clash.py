"""Hugging Face's ``datasets`` has our name: each side of the confusion is told which is which."""

import subprocess
import sys
from pathlib import Path

import pytest

import datasets
from commands.name_clash import require_same_checkout
from tests.support import ROOT


@pytest.fixture
def hugging_face(tmp_path: Path) -> Path:
    """Return a folder for sys.path that holds another package named datasets."""
    package = tmp_path / "site" / "datasets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def load_dataset(name): ...\n")
    return tmp_path / "site"


def python(*arguments: str, cwd: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_our_commands_work_where_hugging_face_is_installed(hugging_face: Path) -> None:
    run = python("-m", "datasets.build", "--help", cwd=ROOT, path=hugging_face)
    assert run.returncode == 0, run.stderr
    assert "python -m datasets.build" in run.stdout


def test_the_guard_names_both_packages(hugging_face: Path) -> None:
    code = (
        f"import sys; sys.path.append({str(ROOT)!r})\n"
        "from commands.name_clash import require_same_checkout\n"
        "require_same_checkout('datasets')"
    )
    run = python("-c", code, cwd=hugging_face.parent, path=hugging_face)
    assert run.returncode == 1
    assert str(hugging_face / "datasets") in run.stderr
    assert f"Run from {ROOT}" in run.stderr


def test_the_guard_passes_in_the_checkout() -> None:
    require_same_checkout("datasets")


@pytest.mark.parametrize("name", ["load_dataset", "Dataset"])
def test_code_that_meant_hugging_face_is_told_so(name: str) -> None:
    with pytest.raises(ImportError, match="part of Hugging Face's 'datasets'"):
        getattr(datasets, name)


def test_other_missing_names_are_missing_as_usual() -> None:
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        datasets.laod  # noqa: B018 the access is the test
