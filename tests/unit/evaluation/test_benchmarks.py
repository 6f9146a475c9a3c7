"""The command on every benchmark's layout: tracked, resumed, in several processes, guarded."""

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation.benchmarks.lasot import LASOT
from evaluation.benchmarks.open_benchmark import BenchmarkName, open_benchmark
from evaluation.benchmarks.uav123 import ATTRIBUTES
from evaluation.results.claim import claim_folder, read_note
from evaluation.run import main
from evaluation.runs.track_all import track_all
from evaluation.vot.measures import FAILED, SKIPPED, STARTED, TRACKED
from evaluation.vot.track import track_supervised
from tracking.baselines import StaticTracker
from tracking.interface import Prediction

_FOLDERS: dict[BenchmarkName, str] = {
    "otb100": "OTB100",
    "uav123_10fps": "uav123",
    "vot2018": "vot2018",
}


@pytest.mark.parametrize("name", _FOLDERS)
def test_static_box_is_scored_on_every_layout(
    name: BenchmarkName, sample_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--benchmark", name, "--root", str(sample_world / _FOLDERS[name])]
    argv += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    assert main([*argv, "--tracker", "static"]) == 0
    assert "static" in capsys.readouterr().out
    page = (tmp_path / "report/report.html").read_text()
    assert "Not the published benchmark" in page
    assert 'src="http' not in page
    content = json.loads((tmp_path / "report/curves.json").read_text())
    assert list(content["trackers"]) == ["static"]
    assert (tmp_path / "report/table.tex").read_text().count(r"\\") == 2
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.txt")}
    assert main([*argv, "--tracker", "static"]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_two_processes_give_the_same_files_as_one(sample_world: Path, tmp_path: Path) -> None:
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    for workers in (1, 2):
        track_all(StaticTracker, benchmark, tmp_path / str(workers), workers=workers)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / n).glob("*.txt")} for n in ("1", "2")
    )
    assert one == two
    assert len(one) == len(benchmark.sequences) >= 2


def test_real_pieces_are_read(shared: Path) -> None:
    data = shared / "data"
    uav = open_benchmark("uav123_10fps", str(data / "uav123_10fps"))
    assert [(each.name, len(each.frames)) for each in uav.sequences] == [
        ("building5", 161),
        ("wakeboard7", 67),
        ("wakeboard10", 157),
    ]
    assert uav.note == "3 of the 123 published sequences"
    with pytest.raises(SourceError, match="Pass --benchmark uav123_10fps"):
        open_benchmark("uav123", str(data / "uav123_10fps"))
    (bag,) = open_benchmark("vot2018", str(data / "vot")).sequences
    assert (bag.name, bag.truth.shape) == ("bag", (196, 8))
    assert "occlusion" in bag.attributes


def write_lasot(root: Path, name: str, num_frames: int, *, num_flags: int | None = None) -> None:
    folder = root / name.rpartition("-")[0] / name
    (folder / "img").mkdir(parents=True)
    (folder / "groundtruth.txt").write_text("10,20,30,40\n" * num_frames)
    flags = ["0"] * (num_frames if num_flags is None else num_flags)
    (folder / "full_occlusion.txt").write_text(",".join(flags))
    (folder / "out_of_view.txt").write_text(",".join([*flags[:-1], "1"]))


def test_lasot_reads_its_test_split_and_nothing_else(tmp_path: Path) -> None:
    assert len(LASOT.official_names) == 280
    write_lasot(tmp_path, "airplane-1", 5)
    write_lasot(tmp_path, "airplane-2", 5)
    (sequence,) = open_benchmark("lasot", str(tmp_path)).sequences
    assert sequence.name == "airplane-1"
    assert sequence.absent is not None
    assert sequence.absent.tolist() == [False] * 4 + [True]
    assert sequence.frames[-1] == "airplane/airplane-1/img/00000005.jpg"


def test_flags_of_another_length_name_all_three_files(tmp_path: Path) -> None:
    write_lasot(tmp_path, "airplane-1", 5, num_flags=4)
    with pytest.raises(SourceError, match=r"5 lines in groundtruth.txt, 4 flags in full_occ"):
        open_benchmark("lasot", str(tmp_path))


def test_uav_attributes_are_twelve() -> None:
    assert len(ATTRIBUTES) == 12


class LostTracker:
    """Loses the target in its third update."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self.box, self.num_updates = box_xywh, 0

    def update(self, image: np.ndarray) -> Prediction:
        self.num_updates += 1
        shift = 5000 if self.num_updates == 3 else 0
        return Prediction(box_xywh=self.box + np.array([shift, 0, 0, 0]), score=1.0)


def test_tracker_is_started_again_five_frames_after_it_failed(shared: Path) -> None:
    benchmark = open_benchmark("vot2018", str(shared / "data/vot"))
    sequence = benchmark.sequences[0]
    events, regions = track_supervised(LostTracker(), sequence, benchmark.files)
    assert events[:4] == [STARTED, TRACKED, TRACKED, FAILED]
    assert events[4:9] == [SKIPPED] * 4 + [STARTED]
    assert [region is not None for region in regions] == [event == TRACKED for event in events]


def test_unknown_tracker_and_folder_of_another_tracker_are_refused(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path)]
    assert main([*argv, "--tracker", "kfc"]) == 1
    assert "expected one of" in caplog.text
    assert main([*argv, "--tracker", "static", "--weights", "w.safetensors"]) == 1
    assert main([*argv, "--tracker", "static", "--workers", "0"]) == 2
    (tmp_path / "static").mkdir()
    (tmp_path / "static/Biker.txt").write_text("1,2,3,4\n")
    assert main([*argv, "--tracker", "static"]) == 1
    assert "were not tracked here" in caplog.text
    assert sorted(path.name for path in (tmp_path / "static").iterdir()) == ["Biker.txt"]


def test_interrupted_tracker_does_not_keep_another_from_its_report(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    results = tmp_path / "results"
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(results)]
    argv += ["--out", str(tmp_path / "report")]
    (results / "half").mkdir(parents=True)
    (results / "half/Made1.txt").write_text("1,2,3,4\n")
    assert main([*argv, "--tracker", "static"]) == 0
    assert "half is left out" in caplog.text
    assert main(argv) == 0
    assert main([*argv, "--exclude", "static"]) == 1


def test_a_name_belongs_to_a_tracker_once_it_has_results(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    claim_folder(folder, "weights that could not be loaded", note="contaminated")
    claim_folder(folder, "good weights")
    assert read_note([str(folder)]) == ""
    (folder / "A.txt").write_text("1,2,3,4\n")
    claim_folder(folder, "good weights")
    with pytest.raises(SourceError, match="Pass another --name"):
        claim_folder(folder, "weights that could not be loaded")
