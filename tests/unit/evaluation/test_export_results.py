"""Export: times beside the boxes are used, and what is no result does not stop it."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from evaluation import export
from evaluation.results.files import write_boxes
from tests.support.foreign_results import text_of, write_files


def test_export_takes_times_and_passes_over_what_is_no_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boxes = np.ones((2, 4))
    files = {"Couple.txt": text_of(boxes), "Couple_time.txt": b"0.5\n0.25\n"}
    files |= {"readme.txt": b"Results of T\n", "tracker.json": b"{}"}
    write_files(tmp_path / "T", files)
    argv = ["--results", str(tmp_path / "T"), "--out", str(tmp_path / "x.zip")]
    assert export.main([*argv, "--layout", "trackingnet"]) == 0
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.namelist() == ["Couple.txt"]
    assert "readme.txt is left out: it holds no boxes" in caplog.text
    assert export.main([*argv, "--layout", "got10k"]) == 0
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read("Couple/Couple_time.txt") == b"0.500000\n0.250000\n"
    before = (tmp_path / "x.zip").read_bytes()
    again = ["--results", str(tmp_path / "x.zip"), "--layout", "got10k", "--out"]
    assert export.main([*again, str(tmp_path / "y.zip")]) == 0
    assert (tmp_path / "y.zip").read_bytes() == before
    assert export.main([*again, str(tmp_path / "x.zip")]) == 1  # it would replace what it reads
    assert (tmp_path / "x.zip").read_bytes() == before
    argv = ["--results", str(tmp_path / "T"), "--layout", "matlab", "--out", str(tmp_path / "m")]
    assert export.main([*argv, "--benchmark", "otb100"]) == 0
    assert [path.name for path in tmp_path.glob("m/*/*")] == ["Couple.txt"]
    assert "99 sequences have no result: Basketball Biker " in caplog.text


def test_export_writes_every_run_for_got10k_and_refuses_several_elsewhere(tmp_path: Path) -> None:
    for number in (1, 2):
        write_boxes(tmp_path / f"T/a/a_{number:03d}.txt", np.full((3, 4), float(number)))
    (tmp_path / "T/a/a_time.txt").write_text("0.1,0.4\n" * 3)
    argv = ["--results", str(tmp_path / "T"), "--out", str(tmp_path / "x.zip")]
    assert export.main([*argv, "--layout", "trackingnet"]) == 1
    assert export.main(argv) == 0
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read("a/a_002.txt").startswith(b"2.0000,")
        assert archive.read("a/a_time.txt") == b"0.100000,0.400000\n" * 3
