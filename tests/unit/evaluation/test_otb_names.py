"""OTB folders as people have them: other spellings, several truth files, copies per target."""

from pathlib import Path

import numpy as np
import pytest

from datasets.files import open_root
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.benchmarks.otb import read_otb


def write_folder(root: Path, name: str, truths: dict[str, int], *, images: range) -> None:
    """Write empty images, and truth files by target whose rows start with the row's number."""
    folder = root / name
    (folder / "img").mkdir(parents=True, exist_ok=True)
    for target, num_rows in truths.items():
        rows = "".join(f"{n},1,5,5\n" for n in range(1, num_rows + 1))
        (folder / f"groundtruth_rect{target}.txt").write_text(rows)
    for number in images:
        (folder / f"img/{number:04d}.jpg").touch()


def names(root: Path) -> list[str]:
    return [sequence.name for sequence in read_otb(open_root(str(root)))]


@pytest.mark.parametrize("folder", ["tiger1", "TIGER1", "Tiger_1"])
def test_a_folder_in_another_spelling_keeps_its_official_range(tmp_path: Path, folder: str) -> None:
    write_folder(tmp_path, folder, {"": 354}, images=range(1, 355))
    (tiger,) = open_benchmark("otb100", str(tmp_path)).sequences
    assert tiger.name == "Tiger1"
    assert (tiger.frames[0], len(tiger.frames)) == (f"{folder}/img/0006.jpg", 349)
    assert tiger.truth[0, 0] == 6


@pytest.mark.parametrize(
    ("num_rows", "images"), [(349, range(6, 355)), (354, range(6, 355)), (349, range(1, 355))]
)
def test_truth_and_images_are_cut_to_the_range_whichever_of_them_is_whole(
    tmp_path: Path, num_rows: int, images: range
) -> None:
    write_folder(tmp_path, "Tiger1", {"": num_rows}, images=images)
    (tiger,) = read_otb(open_root(str(tmp_path)))
    assert tiger.frames[0] == "Tiger1/img/0006.jpg"
    np.testing.assert_array_equal(tiger.truth[:, 0], np.arange(349) + (6 if num_rows > 349 else 1))


def test_a_copy_whose_numbers_are_outside_the_range_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, "david", {"": 100}, images=range(1, 101))
    with pytest.raises(
        SourceError, match=r"100 lines, expected 471, one per frame 300 to 770 as David .*found 0"
    ):
        read_otb(open_root(str(tmp_path)))


def test_numbered_truth_counts_alone_where_a_folder_has_both(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("Jogging", "mine"):
        write_folder(tmp_path, folder, {"": 2, ".1": 2, ".2": 2}, images=range(1, 3))
    assert names(tmp_path) == ["Jogging-1", "Jogging-2", "mine-1", "mine-2"]
    assert "mine: groundtruth_rect.txt is left out beside groundtruth_rect.1.txt" in caplog.text


def test_a_published_single_target_takes_the_file_without_a_number(tmp_path: Path) -> None:
    write_folder(tmp_path, "Biker", {"": 2, ".1": 2}, images=range(1, 3))
    assert names(tmp_path) == ["Biker"]


@pytest.mark.parametrize("truths", [{".2": 2}, {"": 2, ".2": 2}, {".1": 2, ".2": 2}])
def test_human4_is_its_second_target(tmp_path: Path, truths: dict[str, int]) -> None:
    write_folder(tmp_path, "human4", truths, images=range(1, 3))
    assert names(tmp_path) == ["Human4-2"]


def test_the_only_truth_of_a_folder_of_several_targets_is_of_none_of_them(tmp_path: Path) -> None:
    for folder in ("Human4", "Jogging"):
        write_folder(tmp_path, folder, {"": 2}, images=range(1, 3))
    benchmark = open_benchmark("otb100", str(tmp_path))
    assert [each.name for each in benchmark.sequences] == ["Human4", "Jogging"]
    assert benchmark.note == "0 of the 100 published sequences and 2 others"


@pytest.mark.parametrize("truths", [{"": 2}, {".1": 2, ".2": 2}, {"": 2, ".1": 2, ".2": 2}])
def test_a_copy_of_a_folder_per_target_is_that_target(
    tmp_path: Path, truths: dict[str, int]
) -> None:
    for folder in ("Jogging-1", "Jogging.2", "skating2_1"):
        write_folder(tmp_path, folder, truths, images=range(1, 3))
    assert names(tmp_path) == ["Jogging-1", "Jogging-2", "Skating2-1"]
    truth = read_otb(open_root(str(tmp_path)))[0].truth
    assert len(truth) == 2


def test_a_sequence_that_two_folders_hold_counts_once_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_folder(tmp_path, "Jogging", {".1": 2, ".2": 2}, images=range(1, 3))
    write_folder(tmp_path, "Jogging-1", {".1": 2, ".2": 2}, images=range(1, 3))
    write_folder(tmp_path, "Biker", {"": 2}, images=range(1, 3))
    write_folder(tmp_path, "biker", {"": 3}, images=range(1, 4))
    benchmark = open_benchmark("otb100", str(tmp_path))
    assert [each.name for each in benchmark.sequences] == ["Biker", "Jogging-1", "Jogging-2"]
    assert benchmark.note == "3 of the 100 published sequences"
    assert benchmark.sequences[0].frames[0] == "Biker/img/0001.jpg"
    for folder, name in (("Jogging-1", "Jogging-1"), ("biker", "Biker")):
        assert f"{folder}: a second folder of {name}, left out" in caplog.text
