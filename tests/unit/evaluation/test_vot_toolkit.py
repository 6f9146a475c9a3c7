"""The official toolkit as a second opinion: what it is given, what is read back, how it fails."""

import gzip
import json
import shutil
import stat
import struct
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.results.folder import find_trackers
from evaluation.run import main
from evaluation.vot.protocol import is_run_file
from evaluation.vot.toolkit import ask_toolkit, find_toolkit, write_workspace

# What the command `vot` answers: its options are those of version 0.9.0, and so is the report.
_STUB = """
import json, pathlib, sys
command, *options = sys.argv[1:]
assert command == "analysis", command
values = dict(zip(options[:-2:2], options[1:-2:2], strict=True))
assert set(values) == {"--workspace", "--format", "--name"}, values
workspace, trackers = pathlib.Path(values["--workspace"]), options[-2:]
(name,) = (workspace / "sequences/list.txt").read_text().split()
assert (workspace / "sequences" / name / "groundtruth.txt").exists()
lengths = [
    len((workspace / "results" / each / "baseline" / name / f"{name}_001.txt").read_text())
    for each in trackers
]
results = [[[0.5, 1.0, [0.9, 0.5], 100.0] for _ in trackers], [[n / 1e6] for n in lengths]]
report = {"toolkit": "0.9.0", "results": {"baseline": {"results": results}}}
(workspace / "analysis").mkdir()
(workspace / f"analysis/{values['--name']}.json").write_text(json.dumps(report))
"""


def put_on_path(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    command = folder / "vot"
    command.write_text(f"#!{sys.executable}\n{program}")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def write_tracked(results: Path, name: str, num_frames: int, text: str) -> None:
    path = results / name / "baseline/bag/bag_001.txt"
    path.parent.mkdir(parents=True)
    path.write_text("1\n" + text * (num_frames - 1))


def test_without_the_command_the_line_says_what_to_install(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    argv = ["--benchmark", "vot2018", "--root", str(shared / "data/vot"), "--vot-toolkit"]
    argv += ["--tracker", "static", "--results", str(tmp_path / "results")]
    assert main(argv) == 1
    assert "pip install vot-toolkit 'attributee<0.1.10'" in caplog.messages[-1]
    assert list(tmp_path.iterdir()) == []  # it shows before anything is tracked
    assert main(["--root", str(shared / "data/otb"), "--vot-toolkit"]) == 1
    assert "VOT only, not OTB100" in caplog.messages[-1]


def test_each_tracker_gets_its_own_numbers_whatever_its_name(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = tmp_path / "results"
    write_tracked(results, "a tracker++", 196, "10,20,30,40\n")
    write_tracked(results, "short", 196, "1,2,3,4\n")
    put_on_path(tmp_path / "bin", _STUB, monkeypatch)
    argv = ["--benchmark", "vot2018", "--root", str(shared / "data/vot"), "--vot-toolkit"]
    argv += ["--results", str(results), "--out", str(tmp_path / "report")]
    assert main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "official Python toolkit 0.9.0" in lines[0]
    assert "differs by up to 0.011" in lines[0]
    assert lines[2].startswith("a tracker++")  # its files are longer, and the stub says so
    assert lines[3].startswith("short")
    assert "official Python toolkit" in (tmp_path / "report/report.html").read_text()


def test_a_failure_of_the_command_is_its_last_words_in_one_line(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_tracked(tmp_path / "results", "mine", 196, "1,2,3,4\n")
    put_on_path(tmp_path / "bin", "import sys\nsys.exit('unknown command')", monkeypatch)
    argv = ["--benchmark", "vot2018", "--root", str(shared / "data/vot"), "--vot-toolkit"]
    argv += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    assert main(argv) == 1
    assert "exit code 1 and no report: unknown command" in caplog.messages[-1]
    assert not (tmp_path / "report").exists()


def test_the_workspace_has_the_ground_truth_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    write_tracked(tmp_path / "results", "mine", 196, "1,2,3,4\n")
    benchmark = open_benchmark("vot2018", str(shared / "data/vot"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    trackers = find_trackers(tmp_path / "results", ["bag"], is_result=is_run_file)
    write_workspace(workspace, benchmark, trackers)
    original = (shared / "data/vot/bag/groundtruth.txt").read_bytes()
    assert (workspace / "sequences/bag/groundtruth.txt").read_bytes() == original
    described = (workspace / "sequences/bag/sequence").read_text().splitlines()
    assert described == ["width=480", "height=360", "length=196"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("vot") is None, reason="the command 'vot' is not on PATH")
@pytest.mark.parametrize("tracker", ["DaSiamRPN", "SiamCAR", "SynthPoly"])
def test_the_real_command_gives_the_numbers_of_the_check_set(
    shared: Path, tmp_path: Path, tracker: str
) -> None:
    folder = shared / "check/vot2018"
    with gzip.open(folder / "VOT2018.json.gz") as file:
        annotation = json.load(file)
    for name, each in annotation.items():
        (tmp_path / "root" / name).mkdir(parents=True)
        np.savetxt(tmp_path / "root" / name / "groundtruth.txt", each["gt_rect"], delimiter=",")
        header = b"\x89PNG\r\n\x1a\n" + bytes(8) + struct.pack(">II", each["width"], each["height"])
        for number in range(1, len(each["gt_rect"]) + 1):
            (tmp_path / "root" / name / f"{number:08d}.png").write_bytes(header)
    with tarfile.open(folder / f"{tracker}.tar.gz") as archive:
        archive.extractall(tmp_path / "results", filter="data")
    benchmark = open_benchmark("vot2018", str(tmp_path / "root"))
    trackers = find_trackers(tmp_path / "results", benchmark.all_names, is_result=is_run_file)
    table = ask_toolkit(find_toolkit(), benchmark, trackers)
    expected = json.loads((shared / "check/expected.json").read_text())["vot2018"][tracker]
    official = expected["vot_toolkit_0_9_0"]
    ((name, eao, accuracy, failures),) = table.rows
    assert name == tracker
    assert eao == pytest.approx(official["eao"], abs=1e-9)
    assert accuracy == pytest.approx(official["accuracy"], abs=1e-9)
    assert failures == pytest.approx(official["failures_weighted"], abs=1e-9)
