"""Results as other toolkits leave them on disk are scored as they are."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation import compare, run
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.scores import score_tracker
from evaluation.results.files import write_boxes
from evaluation.results.folder import find_trackers
from evaluation.results.names import result_finder
from tests.support.foreign_results import FOREIGN, Boxes, text_of, write_files, write_zip


@pytest.fixture(scope="module")
def truth(sample_world: Path) -> Mapping[str, Boxes]:
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    return {each.name: each.truth for each in benchmark.sequences}


def printed_auc(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return by tracker the AUC that compare printed for OTB's rules."""
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    return {row[0]: row[2] for row in rows if row[1:2] == ["otb"]}


@pytest.mark.parametrize("layout", FOREIGN)
def test_layouts_of_other_toolkits_are_scored(
    layout: str,
    sample_world: Path,
    truth: Mapping[str, Boxes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "mat" in layout or "KCF" in layout:
        pytest.importorskip("scipy")
    FOREIGN[layout](tmp_path, truth)
    write_files(tmp_path, {"readme.txt": b"Results of T.\n", ".DS_Store": b"\0"})
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path)]
    assert compare.main(argv) == 0
    names = layout.split() if "KCF" in layout else layout.split()[:1]
    assert printed_auc(capsys) == dict.fromkeys(names, "0.952")


def test_names_of_pytracking_for_uav123_count_before_those_of_others(
    sample_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(sample_world / "uav123")
    sequences = open_benchmark("uav123_10fps", root).sequences
    for each in sequences:
        files = {f"uav_{each.name}.txt": text_of(each.truth), f"{each.name}.txt": b"1,1,2,2\n"}
        write_files(tmp_path / "results/dimp50", files)
    argv = ["--benchmark", "uav123_10fps", "--root", root, "--results", str(tmp_path / "results")]
    assert compare.main(argv) == 0
    assert float(printed_auc(capsys)["dimp50"]) > 0.7  # not 0.952: some frames have no truth
    (tmp_path / f"results/dimp50/uav_{sequences[0].name}.txt").unlink()
    assert compare.main(argv) == 1  # the file of another benchmark does not stand in for it


def test_runs_of_one_tracker_are_a_mean_with_its_spread(
    sample_world: Path, truth: Mapping[str, Boxes], tmp_path: Path
) -> None:
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    for number, shift in enumerate(np.array([[0, 0, 0, 0], [3, 0, 0, 0]])):
        files = {f"{name}.txt": text_of(boxes + shift) for name, boxes in truth.items()}
        write_files(tmp_path / f"dimp/dimp50_{number:03d}", files)
    write_boxes(tmp_path / "mine_001/Made1.txt", truth["Made1"])
    write_boxes(tmp_path / "mine_002/Made1.txt", truth["Made1"])
    for name in ("mine_001", "mine_002"):
        (tmp_path / name / "tracker.json").write_text("{}")
    trackers = find_trackers(tmp_path, benchmark.all_names)
    assert [each.name for each in trackers] == ["dimp/dimp50", "mine_001", "mine_002"]
    both = score_tracker(benchmark, trackers[0], convention=CONVENTIONS["otb"])
    alone = [
        score_tracker(benchmark, each, convention=CONVENTIONS["otb"]).total.auc
        for number in (0, 1)
        for each in find_trackers(_only(tmp_path, number), benchmark.all_names)
    ]
    assert both.total.auc == pytest.approx(np.mean(alone), abs=1e-12)
    assert both.note == f"2 runs, AUC +- {np.std(alone, ddof=1):.3f}"
    (tmp_path / "dimp/dimp50_001/Made2.txt").unlink()
    (incomplete, *_) = find_trackers(tmp_path, benchmark.all_names)
    with pytest.raises(SourceError, match=r"1 of 2 runs of Made2\. To score .* Made2$"):
        score_tracker(benchmark, incomplete, convention=CONVENTIONS["otb"])


def _only(results: Path, number: int) -> Path:
    folder = results.parent / f"{results.name}-{number}"
    folder.mkdir()
    (folder / "one").symlink_to(results / f"dimp/dimp50_{number:03d}")
    return folder


def test_times_beside_the_boxes_tell_the_speed_and_damaged_ones_only_warn(
    sample_world: Path,
    truth: Mapping[str, Boxes],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    for layout in ("T/dimp50", "T got10k"):
        results = tmp_path / layout.replace("/", " ")
        FOREIGN[layout](results, truth)
        (tracker,) = find_trackers(results, benchmark.all_names)
        score = score_tracker(benchmark, tracker, convention=CONVENTIONS["otb"])
        assert score.frames_per_second == pytest.approx(10)
    (results / "T/Made1/Made1_time.txt").write_text("fast\n")
    again = score_tracker(benchmark, tracker, convention=CONVENTIONS["otb"])
    assert again.frames_per_second is None
    assert again.total.auc == score.total.auc
    assert "T: no speed is told: " in caplog.text


def test_an_incomplete_tracker_is_left_out_and_the_advice_works(
    sample_world: Path,
    truth: Mapping[str, Boxes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, each in truth.items():
        write_boxes(tmp_path / f"results/whole/{name}.txt", each)
        write_boxes(tmp_path / f"results/short/{name}.txt", each[: len(each) - (name == "Made2")])
    write_boxes(tmp_path / "results/SiamDW/Made1.txt", truth["Made1"])
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path / "results")]
    for command, more in ((compare, []), (run, ["--out", str(tmp_path / "report")])):
        caplog.clear()
        assert command.main([*argv, *more]) == 0
        assert "whole" in capsys.readouterr().out
        assert "SiamDW is left out: 1 of 2 sequences cannot be scored: " in caplog.text
        assert "/SiamDW: no result of Made2. To score without them, pass " in caplog.text
        assert "short is left out: " in caplog.text
        advice = caplog.messages[-1].partition(", pass ")[2].split()
        assert advice == ["--exclude-sequences", "Made2"]
        assert command.main([*argv, *more, *advice]) == 0
        printed = capsys.readouterr().out
        assert all(name in printed for name in ("whole", "short", "SiamDW"))
        assert command.main([*argv, *more, "--trackers", "whole", "short"]) == 0
        assert "SiamDW" not in capsys.readouterr().out
        if command is run:
            page = (tmp_path / "report/report.html").read_text()
            assert "--trackers whole short" in page  # as it can be typed again
        assert command.main([*argv, *more, "--exclude", "whole", "short"]) == 1
        assert command.main([*argv, *more, "--trackers", "hole"]) == 1
        assert "--trackers: no tracker 'hole' in" in caplog.messages[-1]


def test_a_folder_counts_before_its_zip_and_a_damaged_zip_is_left_out(
    sample_world: Path,
    truth: Mapping[str, Boxes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    files = {f"T/{name}.txt": text_of(each) for name, each in truth.items()}
    write_files(tmp_path / "results", files)
    write_zip(tmp_path / "results/T.zip", dict.fromkeys(files, b"1,1,2,2\n"))
    write_files(tmp_path / "results", {"U.zip": b"no archive", "V.tar.gz": b""})
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path / "results")]
    assert compare.main(argv) == 0
    assert printed_auc(capsys) == {"T": "0.952"}
    for name in ("U is left out: ", "V.tar.gz is left out: ", "T.zip: T is passed over"):
        assert name in caplog.text
    write_zip(tmp_path / "all.zip", {f"published/{name}": data for name, data in files.items()})
    assert compare.main([*argv[:3], str(tmp_path / "all.zip")]) == 0
    assert printed_auc(capsys) == {"published/T": "0.952"}


def test_one_name_in_several_spellings_is_found_and_another_is_not(tmp_path: Path) -> None:
    for spelling in ("Human4", "human4-2", "Human4_2", "Human4.2"):
        assert result_finder(["Human4-2", "Human5"])(spelling) == "Human4-2"
    assert result_finder(["Human4-2", "Human4"])("Human4") == "Human4"
    write_boxes(tmp_path / "T/car1_1.txt", np.ones((2, 4)))
    write_boxes(tmp_path / "T/CAR2.txt", np.ones((2, 4)))
    write_boxes(tmp_path / "T/Car2.txt", np.ones((2, 4)))
    (tracker,) = find_trackers(tmp_path, ["car1_1", "car11", "car2"])
    assert tracker.paths_of("car1_1") == ("T/car1_1.txt",)
    with pytest.raises(SourceError, match="no result of car11"):
        tracker.paths_of("car11")
    with pytest.raises(SourceError, match=r"CAR2\.txt and T/Car2\.txt are both car2"):
        tracker.paths_of("car2")
