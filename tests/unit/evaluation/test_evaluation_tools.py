"""compare, export and speed, each as its command."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from commands.pages.page import Table
from evaluation import compare, export, speed
from evaluation.presentation.tables import table_latex, table_text
from evaluation.results.files import write_boxes, write_times
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = str(tmp_path_factory.mktemp("weights") / "w.safetensors")
    network = build_model(ModelConfig(width=0.125, head="car", variant="baseline"))
    save_weights(path, network, provenance={})
    return path


def test_compare_prints_every_convention_beside_the_paper(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, length in (("Crossing", 120), ("Couple", 140)):
        write_boxes(tmp_path / f"mine/{name}.txt", np.tile([50.0, 50, 20, 40], (length, 1)))
    argv = ["--root", str(shared / "data/otb"), "--results", str(tmp_path)]
    assert compare.main(argv) == 0
    printed = capsys.readouterr().out
    assert [line.split()[1] for line in printed.splitlines() if line.startswith("mine")] == [
        "otb",
        "pysot",
        "got10k",
        "pytracking",
    ]
    assert "CF-double" in printed
    (tmp_path / "mine/Couple.txt").write_text("1,2,3,4\n")
    assert compare.main(argv) == 1


@pytest.mark.parametrize(
    ("layout", "names"),
    [("got10k", {"a/a_001.txt", "a/a_time.txt"}), ("trackingnet", {"a.txt"})],
)
def test_exported_zip_has_the_servers_layout(tmp_path: Path, layout: str, names: set[str]) -> None:
    boxes = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8.25]])
    write_boxes(tmp_path / "mine/a.txt", boxes)
    write_times(tmp_path / "mine/times/a_time.txt", np.array([0.5, 0.25]))
    archives = []
    for name in ("one.zip", "two.zip"):
        argv = ["--results", str(tmp_path / "mine"), "--layout", layout]
        assert export.main([*argv, "--out", str(tmp_path / name)]) == 0
        archives.append((tmp_path / name).read_bytes())
    assert archives[0] == archives[1]
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert set(archive.namelist()) == names
        text = archive.read(sorted(names)[0]).decode()
    assert text == "1.0000,2.0000,3.0000,4.0000\n5.0000,6.0000,7.0000,8.2500\n"


def test_exported_folder_is_named_as_lasot_expects_and_damage_leaves_nothing(
    tmp_path: Path,
) -> None:
    write_boxes(tmp_path / "mine/a.txt", np.ones((2, 4)))
    argv = ["--results", str(tmp_path / "mine"), "--layout", "matlab"]
    assert export.main([*argv, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/mine_tracking_result/a.txt").exists()
    (tmp_path / "mine/b.txt").write_text("1,2,3\n")
    assert export.main([*argv, "--out", str(tmp_path / "other")]) == 1
    assert not (tmp_path / "other").exists()
    assert export.main(["--results", str(tmp_path), "--out", str(tmp_path / "x.zip")]) == 1


@pytest.mark.parametrize("layout", ["got10k", "trackingnet", "matlab"])
def test_exported_boxes_are_read_back_as_other_toolkits_read_them(
    tmp_path: Path, layout: str
) -> None:
    boxes = np.random.default_rng(0).uniform(-50, 2000, (30, 4))
    write_boxes(tmp_path / "mine/a-1.txt", boxes)
    out = tmp_path / "out"
    target = out if layout == "matlab" else tmp_path / "mine.zip"
    argv = ["--results", str(tmp_path / "mine"), "--layout", layout, "--out", str(target)]
    assert export.main(argv) == 0
    if layout != "matlab":
        with zipfile.ZipFile(target) as archive:
            archive.extractall(out)
    (path,) = (each for each in out.rglob("*.txt") if "time" not in each.name)
    read = np.loadtxt(path, delimiter=",")  # as the GOT-10k toolkit does, and MATLAB's dlmread
    np.testing.assert_allclose(read, boxes, rtol=0, atol=0.5e-4 + 1e-9)
    assert np.abs(np.round(read, 4) - read).max() == 0


def test_speed_times_every_part_and_the_baselines(
    sample_world: Path, weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(sample_world / "OTB100")
    assert speed.main(["--root", root, "--weights", weights, "--frames", "2"]) == 0
    printed = capsys.readouterr().out
    for word in ("crop", "network", "decode", "whole frame", "static", "mil", "95% ms"):
        assert word in printed
    shares = re.findall(r"(\S+) of the (?:matrix|memory) rate", printed)
    assert [0 <= float(share) <= 1.5 for share in shares] == [True, True]
    if not torch.cuda.is_available():
        assert speed.main(["--root", root, "--weights", weights, "--devices", "cuda"]) == 1
    assert speed.main(["--root", root, "--frames", "0"]) == 2


def test_a_name_of_several_lines_is_one_cell_of_a_table() -> None:
    name = "a\nERROR\x1b[2J\t\u202eb"
    table = Table(caption="c", columns=("tracker", name), rows=((name, 1.0), ("b", 2.0)))
    shown = r"a\nERROR\x1b[2J\t\u202eb"
    _, *lines = table_text(table).splitlines()
    assert [line.split() for line in lines] == [
        ["tracker", shown],
        [shown, "1.000"],
        ["b", "2.000"],
    ]
    latex = table_latex(table)
    assert latex.replace("\n", "").isprintable()
    assert len(latex.splitlines()) == 9


def test_latex_escapes_and_marks_the_best() -> None:
    table = Table(
        caption="t",
        columns=("tracker", "P_20 > 0.5"),
        rows=(("a_b", 0.5), ("c&d", 0.75)),
        higher_is_better=(True,),
    )
    text = table_latex(table)
    assert r"a\_b & 0.500 \\" in text
    assert r"c\&d & \textbf{0.750} \\" in text
    assert r"P\_20 $>$ 0.5" in text
