"""Terminals that are not UTF-8, and names on disk that are not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from commands.run import one_line
from datasets.build import main as build
from datasets.overlap.__main__ import main as overlap
from datasets.report.__main__ import main as report
from datasets.verify import main as verify
from evaluation.run import main as evaluate
from manifests.query import main as query
from model.config import ModelConfig
from model.export import main as export
from model.network import build_model
from model.weights import save_weights
from tests.support import ROOT
from tracking.run import main as track
from trainer.preview import main as preview
from trainer.run import main as train

NAME = os.fsdecode(b"caf\xe9")
"""What Python makes of a name in Latin-1: it has no letters that UTF-8 can encode."""


def run(encoding: str, *command: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "utf-8"])
def test_a_table_is_drawn_with_what_the_terminal_has(sample_shards: Path, encoding: str) -> None:
    manifest = str(sample_shards / "lasot" / "manifest.parquet")
    ask = ["manifests.query", "SELECT 'caf\u00e9 \u6f22' AS name, sum(x_bytes) AS n FROM crops"]
    said = run(encoding, *ask, "--manifests", manifest).decode(encoding)
    is_utf8 = encoding == "utf-8"
    assert ("\u2502 name" if is_utf8 else "| name") in said
    assert ("\u6f22" if is_utf8 else "\\u6f22") in said


def test_names_that_a_terminal_lacks_are_escaped(sample_shards: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "\u6f22" / "manifest.parquet"
    shutil.copytree(sample_shards / "lasot", manifest.parent)
    said = run("ascii", "manifests.query", "SELECT 1", "--manifests", str(manifest), "--out",
               str(manifest.with_name("a.csv")))  # fmt: skip
    assert b"\\u6f22/a.csv" in said
    said = run("ascii", "datasets.report", "--manifests", str(manifest), "--num-crops", "1")
    assert b"\\u6f22/report.html" in said


@pytest.fixture
def odd(tmp_path: Path, sample_world: Path) -> Path:
    """Return a folder whose name is not UTF-8, with raw data and a benchmark."""
    folder = tmp_path / NAME
    shutil.copytree(sample_world / "lasot", folder / "lasot")
    shutil.copytree(sample_world / "OTB100", folder / "otb")
    (folder / "otb/Made1").rename(folder / "otb" / NAME)
    return folder


def test_folders_that_are_not_utf8_are_read_and_written(odd: Path) -> None:
    crops = str(odd / "crops/manifest.parquet")
    page, otb = str(odd / "page.html"), str(odd / "otb")
    assert build(["--src", "lasot", "--root", str(odd / "lasot"), "--out", str(odd / "crops")]) == 0
    assert verify(["--manifests", crops]) == 0
    assert report(["--manifests", crops, "--num-crops", "1"]) == 0
    assert b"caf\\udce9" in (odd / "crops/report.html").read_bytes()
    assert query(["SELECT 1", "--manifests", crops, "--out", str(odd / "a.csv")]) == 0
    assert preview(["--manifests", crops, "--num-pairs", "1", "--out", page]) == 0
    more = ["--against", otb, "--every", "9", "--num-copies", "1", "--keep", str(odd / "keep")]
    assert overlap(["--manifests", crops, *more, "--out", page]) == 0
    results = ["--results", str(odd / "r"), "--out", str(odd / "report")]
    assert evaluate(["--root", otb, "--tracker", "static", *results]) == 0
    assert b"caf\\udce9" in (odd / "report/report.html").read_bytes()
    assert (odd / "r/static" / f"{NAME}.txt").exists()


def test_names_that_a_library_cannot_take_are_one_line(
    odd: Path, sample_shards: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crops = ["--manifests", str(sample_shards / "lasot/manifest.parquet")]
    frames, plain = str(odd / "otb" / NAME / "img"), str(odd.parent / "t.mp4")
    writer = cv2.VideoWriter(plain, cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    shutil.copy(plain, odd / "t.mp4")
    box = ["--tracker", "static", "--box", "1,2,9,9"]
    bench = ["--root", str(odd / "otb"), "--tracker", "static"]
    new = str(odd.parent / "new.mp4")
    commands: list[tuple[Callable[[list[str]], int], list[str]]] = [
        (track, [*box, "--video", frames, "--out", str(odd / "new.mp4")]),
        (track, [*box, "--video", str(odd / "t.mp4"), "--out", new]),
        (query, [f"SELECT '{NAME}'", *crops]),
        (evaluate, [*bench, "--name", NAME, "--results", str(odd / "r"), "--out", str(odd / "o")]),
        (export, ["--weights", str(odd.parent / "w.safetensors"), "--out", str(odd / "onnx")]),
        (train, ["--recipe", "siamfc", *crops, "--out", str(odd / "run")]),
    ]
    network = build_model(ModelConfig(head="siamfc", width=0.01))
    save_weights(odd.parent / "w.safetensors", network, provenance={})
    before = sorted(map(str, odd.parent.rglob("*")))
    for main, options in commands:
        assert main(options) == 1
        assert "a name that is not UTF-8. Use another" in caplog.messages[-1]
        assert ascii(NAME)[1:-1] in caplog.messages[-1]
    assert sorted(map(str, odd.parent.rglob("*"))) == before
    assert track([*box, "--video", frames, "--out", new]) == 0


def test_a_lone_surrogate_in_an_annotation_is_one_line() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        "a\ud800b".encode()
    assert one_line(caught.value).startswith(r"'a\ud800b': a name that is not UTF-8")
