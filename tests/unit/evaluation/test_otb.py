"""OTB folders, result files, and the command that scores a tracker on them."""

from pathlib import Path

import numpy as np
import pytest

from datasets.box_files import read_box_file
from datasets.files import open_root
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.benchmarks.otb import NAMES_100, read_otb
from evaluation.results.files import parse_times, write_boxes
from evaluation.results.folder import find_trackers
from evaluation.results.names import match_name
from evaluation.run import main
from evaluation.sequences import to_edges, to_file


def write_sequence(
    root: Path, name: str, rows: list[str], *, images: range, target: str = ""
) -> None:
    folder = root / name
    (folder / "img").mkdir(parents=True, exist_ok=True)
    (folder / f"groundtruth_rect{target}.txt").write_bytes("\r\n".join(rows).encode())
    for number in images:
        (folder / f"img/{number:04d}.jpg").write_bytes(b"")


@pytest.mark.parametrize("separator", [",", "\t", " ", ", "])
def test_every_separator_and_line_end_is_read(tmp_path: Path, separator: str) -> None:
    rows = [separator.join(map(str, row)) for row in ([1, 2, 30, 40], [5.5, 6, 30, 40])]
    write_sequence(tmp_path, "Biker", rows, images=range(1, 3))
    (sequence,) = read_otb(open_root(str(tmp_path)))
    np.testing.assert_array_equal(sequence.truth, [[1, 2, 30, 40], [5.5, 6, 30, 40]])
    assert sequence.frames == ("Biker/img/0001.jpg", "Biker/img/0002.jpg")


def test_folder_of_two_targets_is_two_sequences(tmp_path: Path) -> None:
    for target in (".1", ".2"):
        write_sequence(tmp_path, "Jogging", ["1,1,5,5"] * 2, images=range(1, 3), target=target)
        write_sequence(tmp_path, "Human4", ["1,1,5,5"] * 2, images=range(1, 3), target=target)
    names = [sequence.name for sequence in read_otb(open_root(str(tmp_path)))]
    assert names == ["Human4-2", "Jogging-1", "Jogging-2"]


def test_only_the_frames_that_count_are_used(tmp_path: Path) -> None:
    write_sequence(tmp_path, "David", ["1,1,5,5"] * 471, images=range(1, 771))
    write_sequence(tmp_path, "Tiger1", [f"{n},1,5,5" for n in range(1, 355)], images=range(1, 355))
    david, tiger = read_otb(open_root(str(tmp_path)))
    assert (david.frames[0], david.frames[-1]) == ("David/img/0300.jpg", "David/img/0770.jpg")
    assert len(tiger.frames) == 349
    assert tiger.truth[0, 0] == 6


def test_part_of_the_benchmark_says_that_it_is_one(sample_world: Path, shared: Path) -> None:
    part = open_benchmark("otb100", str(shared / "data/otb"))
    assert part.note == "2 of the 100 published sequences"
    assert "Scale Variation" in part.sequences[0].attributes
    other = open_benchmark("otb100", str(sample_world / "OTB100"))
    assert "0 of the 100 published sequences and" in other.note


def test_names_are_the_hundred_and_found_in_any_spelling() -> None:
    assert len(NAMES_100) == 100
    assert match_name("human4_2", NAMES_100) == "Human4-2"
    assert match_name("BasketBall", NAMES_100) == "Basketball"
    assert match_name("car11", ["car1_1", "car11"]) == "car11"
    assert match_name("car1-1", ["car1_1", "car11"]) is None


def test_boxes_are_read_back_exactly(tmp_path: Path) -> None:
    boxes = np.random.default_rng(0).normal(size=(20, 4)) * 1e3
    write_boxes(tmp_path / "deep/Biker.txt", boxes)
    np.testing.assert_array_equal(read_box_file(tmp_path / "deep/Biker.txt"), boxes)
    np.testing.assert_allclose(to_file(to_edges(boxes)), boxes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2,3,4\n5,6,7\n", r"Biker.txt:2: 3 numbers, expected 4"),
        ("1,2,3,4\n\n5,6,x,8\n", r"Biker.txt:3: 'x' is not a number"),
        ("1,2,3,4,5\n", r"Biker.txt:1: 5 numbers, expected 4"),
        ("1,2,3,inf\n", r"Biker.txt:1: 'inf', expected finite numbers or NaN"),
        ("\n", r"Biker.txt: empty, expected one box per line"),
    ],
)
def test_damaged_result_names_file_and_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "Biker.txt").write_text(content)
    with pytest.raises(SourceError, match=message):
        read_box_file(tmp_path / "Biker.txt")


@pytest.mark.parametrize("first", ["NaN,NaN,NaN,NaN", "0,0,0,0", "5,5,20,-1"])
def test_truth_that_no_tracker_can_start_on_is_refused(tmp_path: Path, first: str) -> None:
    write_sequence(tmp_path, "Biker", [first, "1,2,3,4"], images=range(1, 3))
    with pytest.raises(SourceError, match=r"Biker: the first line of its ground truth is \["):
        open_benchmark("otb100", str(tmp_path))


def test_attributes_that_are_no_text_name_the_file(tmp_path: Path) -> None:
    write_sequence(tmp_path, "Biker", ["1,2,3,4"] * 2, images=range(1, 3))
    (tmp_path / "Biker/attrs.txt").write_bytes(b"\x88\x00")
    with pytest.raises(SourceError, match=r"Biker/attrs.txt: not a text file"):
        open_benchmark("otb100", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5\nhello\n", "a_time.txt:2: 'hello' is not a number"),
        ("0.5\n-1\n", r"a_time.txt:2: \[-1.0\], expected the seconds of one frame"),
        ("0.5 0.5\n", r"a_time.txt:1: \[0.5, 0.5\], expected the seconds of one frame"),
    ],
)
def test_damaged_times_name_file_and_line(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse_times(text.encode(), where="a_time.txt")


def test_a_tracker_folder_in_the_place_of_all_results_is_recognised(tmp_path: Path) -> None:
    write_boxes(tmp_path / "results/mine/Biker.txt", np.ones((2, 4)))
    (found,) = find_trackers(tmp_path / "results", ["Biker"])
    assert found.name == "mine"
    with pytest.raises(SourceError, match=r"mine: holds result files itself. Pass --results .*s,"):
        find_trackers(tmp_path / "results/mine", ["Biker"])


def test_results_of_another_benchmark_are_recognised(tmp_path: Path) -> None:
    write_boxes(tmp_path / "mine/airplane-1.txt", np.ones((2, 4)))
    with pytest.raises(SourceError, match=r"found .*airplane-1.txt, expected <tracker>/Biker.txt"):
        find_trackers(tmp_path, ["Biker", "Bird1"])
    write_boxes(tmp_path / "mine/biker.txt", np.ones((2, 4)))
    (found,) = find_trackers(tmp_path, ["Biker", "Bird1"])
    with pytest.raises(SourceError, match=r"mine: no result of Bird1"):
        found.paths_of("Bird1")


def test_annotation_of_another_length_is_refused(tmp_path: Path) -> None:
    write_sequence(tmp_path, "Biker", ["1,2,3,4"] * 3, images=range(1, 6))
    with pytest.raises(SourceError, match=r"groundtruth_rect.txt: 3 lines, expected 5"):
        read_otb(open_root(str(tmp_path)))


def test_command_tracks_scores_and_writes_one_page(
    sample_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, out = tmp_path / "results", tmp_path / "report"
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(results), "--out", str(out)]
    assert main([*argv, "--tracker", "static"]) == 0
    printed = capsys.readouterr().out
    assert "static" in printed
    assert "convention otb" in printed
    page = (out / "report.html").read_text()
    assert "Do not compare with printed numbers" in page
    assert page.count("data:image/png;base64,") >= 2
    assert "http" not in page
    assert (out / "success.pdf").stat().st_size > 1000

    before = {path: path.stat().st_mtime_ns for path in results.rglob("*.txt")}
    assert main([*argv, "--tracker", "static"]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in results.rglob("*.txt")}
    assert main([*argv, "--tracker", "mil", "--name", "static"]) == 1


def test_wrong_option_and_missing_folder_exit_differently(tmp_path: Path) -> None:
    assert main(["--benchmark", "otb10"]) == 2
    assert main(["--root", str(tmp_path / "nothing")]) == 1
    assert main(["--root", str(tmp_path)]) == 1
