"""A new source is one file and one line of the table: nothing else knows the sources' names."""

from pathlib import Path

import pytest

from datasets.build import main
from datasets.sources import SOURCES, Source
from manifests.table import read_manifest
from tests.support.builds import make_jpeg
from tests.support.toys import source


def write_videos(root: Path, names: tuple[str, ...]) -> None:
    for seed, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in (1, 2):
            (root / name / f"{number:04d}.jpg").write_bytes(make_jpeg(seed))
        (root / name / "boxes.txt").write_text("40,30,50,40\n44,32,50,40\n")


def test_a_toy_source_of_one_file_and_one_table_entry_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "toy", Source(source.list_parts, source.read_part))
    write_videos(tmp_path / "raw", ("a", "b"))
    out = tmp_path / "out"
    options = ["--root", str(tmp_path / "raw"), "--out", str(out), "--val-fraction", "0.5"]
    assert main(["--src", "toy", *options]) == 0
    rows = read_manifest(str(out / "manifest.parquet")).rows
    assert rows["source"].unique().to_list() == ["toy"]
    assert sorted(rows["track"]) == ["a", "a", "b", "b"]
    assert sorted(rows["split"].unique()) == ["train", "val"]


def test_an_unknown_source_exits_2_and_names_those_of_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--src", "toy"]) == 2
    message = " ".join(capsys.readouterr().err.replace("\u2502", " ").split())
    assert f"--src: 'toy', expected one of {sorted(SOURCES)}" in message
