"""Which year of VOT a set of sequences is, and what that does to the expected average overlap."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.open_benchmark import BenchmarkName, open_benchmark
from evaluation.run import main

YEARS: tuple[BenchmarkName, ...] = ("vot2016", "vot2018", "vot2019")
NUM_FRAMES = 320


def write_vot(root: Path, names: tuple[str, ...], num_frames: int = 2) -> Path:
    """Write sequences without pixels: an image's header is all that scoring reads."""
    header = b"\x89PNG\r\n\x1a\n" + bytes(8) + struct.pack(">II", 320, 240)
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "groundtruth.txt").write_text("10,10,50,10,50,40,10,40\n" * num_frames)
        for number in range(1, num_frames + 1):
            (root / name / f"{number:08d}.png").write_bytes(header)
    return root


@pytest.mark.parametrize("year", YEARS)
def test_every_year_is_complete_as_itself_and_refused_as_another(
    tmp_path: Path, year: BenchmarkName
) -> None:
    root = str(write_vot(tmp_path, BENCHMARKS[year].official_names))
    found = open_benchmark(year, root)
    assert (found.title, found.note, len(found.sequences)) == (year.upper(), "", 60)
    for other in set(YEARS) - {year}:
        with pytest.raises(SourceError, match=f"are {year.upper()}'s .*Pass --benchmark {year},"):
            open_benchmark(other, root)


def test_a_part_is_of_the_year_asked_for_unless_a_sequence_contradicts(tmp_path: Path) -> None:
    shared = write_vot(tmp_path / "shared", ("birds1", "girl", "my own"))
    for year in YEARS:
        part = open_benchmark(year, str(shared))
        assert part.note == "2 of the 60 published sequences and 1 others"
    write_vot(shared, ("Agility",))  # another spelling of the same name
    assert open_benchmark("vot2019", str(shared)).note.startswith("3 of the 60")
    with pytest.raises(SourceError, match="1 of its sequences, such as Agility, are VOT2019's"):
        open_benchmark("vot2018", str(shared))
    with pytest.raises(SourceError, match="VOT2019's and not VOT2018's"):  # asked for by name too
        open_benchmark("vot2018", str(shared), only=["girl"])


def test_the_year_decides_the_lengths_of_the_expected_average_overlap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_vot(tmp_path / "root", ("girl",), NUM_FRAMES)
    lines = ["1", *["10,10,40,30"] * 149, "2", *["0"] * 4, "1", *["10,10,40,30"] * 164]
    path = tmp_path / "results/mine/baseline/girl/girl_001.txt"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")
    expected = {}
    for year in YEARS:
        out = tmp_path / year
        argv = ["--benchmark", year, "--root", str(root), "--out", str(out)]
        assert main([*argv, "--results", str(tmp_path / "results")]) == 0
        first, last = BENCHMARKS[year].eao_lengths
        assert f"EAO over {first} to {last} frames" in capsys.readouterr().out
        assert f"{first} to {last} frames" in (out / "report.html").read_text()
        mine = json.loads((out / "curves.json").read_text())["trackers"]["mine"]
        expected[year] = np.mean(mine["eao_curve"][first - 1 : last])
        assert mine["eao"] == pytest.approx(expected[year], abs=1e-12)
    assert len(set(expected.values())) == 3


@pytest.mark.parametrize("name", ["../evil", "a/b", "sub/../good"])
def test_a_list_that_leads_out_of_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_vot(root, ("good", "a/b", "../evil", "sub/x"))
    (root / "list.txt").write_text(f"good\n{name}\n")
    with pytest.raises(SourceError, match="is not a plain folder name"):
        open_benchmark("vot2018", str(root))
