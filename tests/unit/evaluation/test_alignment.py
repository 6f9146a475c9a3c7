"""Result files with more rows than frames: aligned by the official start, or refused."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets.box_files import parse_boxes
from datasets.files import open_root
from datasets.tracks import SourceError
from evaluation import compare
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.onepass.alignment import align_rows
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.scores import score_tracker
from evaluation.results.files import write_boxes
from evaluation.results.folder import find_trackers
from evaluation.run import main

_OFFICIAL = {
    "Tiger1": (6, 354, 354),
    "David": (300, 770, 770),
    "Diving": (1, 215, 231),
    "BlurCar3": (3, 359, 359),
    "Football1": (1, 74, 74),
}
"""First and last frame that count, and the number of the folder's last image."""


def write_otb(root: Path, name: str, truth: np.ndarray, images: range) -> None:
    (root / name / "img").mkdir(parents=True)
    np.savetxt(root / name / "groundtruth_rect.txt", truth, delimiter=",")
    for number in images:
        (root / name / f"img/{number:04d}.jpg").touch()


@pytest.mark.parametrize("name", _OFFICIAL)
def test_a_result_of_the_whole_folder_scores_as_one_of_the_official_frames(
    shared: Path, tmp_path: Path, name: str
) -> None:
    first, last, last_image = _OFFICIAL[name]
    annotation = json.loads((shared / "check/otb100/gt.json").read_text())[name]
    assert annotation["first_img"].endswith(f"{first:04d}.jpg")
    assert annotation["last_img"].endswith(f"{last:04d}.jpg")
    truth = np.array(annotation["gt_rect"], float)
    with tarfile.open(shared / "check/otb100/results/SiamRPN++.tar.gz") as archive:
        file = archive.extractfile(f"SiamRPN++/{name}.txt")
        assert file is not None
        official = parse_boxes(file.read().decode(), where=name)
    whole = np.full((last_image, 4), 1.0)
    whole[first - 1 : last] = official
    begins_at = first if name == "BlurCar3" else 1
    write_otb(tmp_path / "OTB", name, truth, range(begins_at, last_image + 1))
    write_boxes(tmp_path / f"results/official/{name}.txt", official)
    write_boxes(tmp_path / f"results/whole/{name}.txt", whole)
    benchmark = open_benchmark("otb100", str(tmp_path / "OTB"))
    aucs = [
        score_tracker(benchmark, each, convention=CONVENTIONS["otb"])
        for each in find_trackers(tmp_path / "results", benchmark.all_names)
    ]
    assert aucs[0].total.auc == aucs[1].total.auc > 0.3


def test_a_trimmed_copy_takes_rows_counted_from_the_first_image(tmp_path: Path) -> None:
    truth = np.tile([10.0, 10, 20, 20], (349, 1))
    write_otb(tmp_path, "Tiger1", truth, range(6, 355))
    benchmark = open_benchmark("otb100", str(tmp_path))
    rows = np.arange(354)[:, None] + np.zeros(4)
    aligned = align_rows(rows, benchmark.sequences[0], benchmark.files, where="r")
    np.testing.assert_array_equal(aligned[:, 0], np.arange(5, 354))


@pytest.mark.parametrize("num_rows", [350, 353, 355, 700])
def test_any_other_length_is_one_line_with_file_and_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, num_rows: int
) -> None:
    write_otb(tmp_path / "OTB", "Tiger1", np.tile([9.0, 9, 20, 20], (349, 1)), range(1, 355))
    path = tmp_path / "results/mine/Tiger1.txt"
    write_boxes(path, np.ones((num_rows, 4)))
    argv = ["--root", str(tmp_path / "OTB"), "--results", str(tmp_path / "results")]
    for command in (main, compare.main):
        caplog.clear()
        assert command(argv) == 1
        (message,) = caplog.messages
        assert f"{path}: {num_rows} boxes, expected 349, one per frame, or one per" in message
        assert "(found 354)" in message
    write_boxes(path, np.ones((348, 4)))
    caplog.clear()
    assert main(argv) == 1
    assert f"{path}: 348 boxes, expected 349" in caplog.messages[-1]


def test_a_piece_of_a_video_is_found_in_a_result_of_all_its_images(
    shared: Path, sample_world: Path
) -> None:
    piece = open_benchmark("uav123_10fps", str(sample_world / "uav123")).sequences[0]
    folder = piece.frames[0].rpartition("/")[0]
    files = open_root(str(sample_world / "uav123"))
    images = files.list(folder)
    rows = np.arange(len(images))[:, None] + np.zeros(4)
    start = images.index(piece.frames[0].rpartition("/")[2])
    found = align_rows(rows, piece, files, where="r")
    np.testing.assert_array_equal(found[:, 0], start + np.arange(len(piece.frames)))


def test_without_images_only_one_row_per_frame_will_do(tmp_path: Path) -> None:
    folder = tmp_path / "airplane/airplane-1"
    folder.mkdir(parents=True)
    (folder / "groundtruth.txt").write_text("10,20,30,40\n" * 5)
    for flags in ("full_occlusion", "out_of_view"):
        (folder / f"{flags}.txt").write_text("0,0,0,0,0")
    benchmark = open_benchmark("lasot", str(tmp_path))
    (sequence,) = benchmark.sequences
    assert len(align_rows(np.ones((5, 4)), sequence, benchmark.files, where="r")) == 5
    with pytest.raises(SourceError, match=r"r: 6 boxes, expected 5, .*\(found 0\)"):
        align_rows(np.ones((6, 4)), sequence, benchmark.files, where="r")
    (folder / "img").mkdir()
    for number in range(1, 7):
        (folder / f"img/{number:08d}.jpg").touch()
    assert len(align_rows(np.ones((6, 4)), sequence, benchmark.files, where="r")) == 5
