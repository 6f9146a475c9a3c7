"""The LaSOT source: the official split, flags, stale and odd boxes, copies that are not whole."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets.files import open_root
from datasets.sources.lasot import list_parts, read_part, training_videos
from datasets.tracks import SourceError, Track


def make_video(
    root: Path, rows: list[str], *, name: str = "lion-3", occluded: str = "", outside: str = ""
) -> Path:
    folder = root / name.rpartition("-")[0] / name
    (folder / "img").mkdir(parents=True)
    for number in range(1, len(rows) + 1):
        (folder / f"img/{number:08d}.jpg").write_bytes(b"not read")
    (folder / "groundtruth.txt").write_text("\n".join(rows) + "\n")
    zeros = ",".join("0" for _ in rows)
    (folder / "full_occlusion.txt").write_text(occluded or zeros)
    (folder / "out_of_view.txt").write_text((outside or zeros) + "\n")
    return folder


def read_all(root: Path) -> list[Track]:
    files = open_root(str(root))
    return [track for part in list_parts(files) for track in read_part(files, part)]


def test_split_is_the_official_one(shared: Path) -> None:
    official = (shared / "facts/lasot_training_set.txt").read_text().split()
    assert sorted(name for names in training_videos().values() for name in names) == official
    assert len(official) == 1120


def test_numbers_of_two_digits_and_a_class_with_a_capital_are_found(tmp_path: Path) -> None:
    for name in ("airplane-10", "airplane-2", "airplane-20", "rubicCube-2"):
        make_video(tmp_path, ["1,1,9,9"], name=name)
    names = [part.rpartition("/")[2] for part in list_parts(open_root(str(tmp_path)))]
    assert names == ["airplane-2", "airplane-10", "airplane-20", "rubicCube-2"]


def test_test_videos_and_unknown_videos_are_never_read(tmp_path: Path) -> None:
    for name in ("airplane-1", "airplane-10", "airplane-21", "jianzi-1"):
        make_video(tmp_path, ["1,1,9,9"], name=name)
    assert [track.name for track in read_all(tmp_path)] == ["airplane-10"]


def test_boxes_are_zero_based_and_a_video_is_its_own_group(tmp_path: Path) -> None:
    make_video(tmp_path, ["367,101,41,16", "1,1,2,2"])
    (track,) = read_all(tmp_path)
    assert track.boxes_xywh.tolist() == [[366, 100, 41, 16], [0, 0, 2, 2]]
    assert (track.name, track.group, track.category) == ("lion-3", "lion-3", "lion")
    assert track.frames[1] == "lion/lion-3/img/00000002.jpg"
    assert track.frame_numbers.tolist() == [1, 2]


def test_a_frame_is_visible_only_without_flags_and_with_an_area(tmp_path: Path) -> None:
    rows = ["5,5,9,9", "5,5,9,9", "5,5,9,9", "0,0,0,0", "5,5,-1,-1", "5,5,9,-10", "NaN,NaN,NaN,NaN"]
    make_video(tmp_path, rows, occluded="0,1,0,0,0,0,0", outside="0,0,1,0,0,0,0")
    (track,) = read_all(tmp_path)
    assert track.visible.tolist() == [True, *[False] * 6]


def test_doubled_class_folder_is_read_once(tmp_path: Path) -> None:
    make_video(tmp_path, ["1,1,9,9"], name="lion-2")
    folder = make_video(tmp_path / "elsewhere", ["1,1,9,9"], name="lion-3")
    shutil.move(folder, tmp_path / "lion/lion/lion-3")
    shutil.rmtree(tmp_path / "elsewhere")
    shutil.copytree(tmp_path / "lion/lion-2", tmp_path / "lion/lion/lion-2")
    parts = list_parts(open_root(str(tmp_path)))
    assert parts == ["lion/lion-2", "lion/lion/lion-3"]


def test_partial_copy_says_how_much_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_video(tmp_path, ["1,1,9,9"])
    list_parts(open_root(str(tmp_path)))
    assert "1 of LaSOT's 1120 training videos are here" in caplog.text


def test_copy_without_a_training_video_is_an_error(tmp_path: Path) -> None:
    make_video(tmp_path, ["1,1,9,9"], name="airplane-1")
    with pytest.raises(SourceError, match="Pass --root with the folder that holds 'airplane'"):
        list_parts(open_root(str(tmp_path)))


@pytest.mark.parametrize("line", ["1,2,3", "1,2,3,4,5", "1,,2,3,4", "a,2,3,4", ""])
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str) -> None:
    make_video(tmp_path, ["1,1,9,9", line, "1,1,9,9"])
    with pytest.raises(SourceError, match=r"groundtruth\.txt:2: .*expected 4 numbers"):
        read_all(tmp_path)


def test_more_and_fewer_lines_than_images_are_errors(tmp_path: Path) -> None:
    folder = make_video(tmp_path, ["1,1,9,9"] * 3)
    (folder / "img/00000004.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match=r"3 lines, but lion/lion-3/img/00000004.jpg exists"):
        read_all(tmp_path)
    (folder / "img/00000004.jpg").unlink()
    (folder / "img/00000003.jpg").unlink()
    with pytest.raises(SourceError, match=r"00000003.jpg does not exist, expected one line for"):
        read_all(tmp_path)


def test_flags_of_another_length_or_value_are_errors(tmp_path: Path) -> None:
    folder = make_video(tmp_path, ["1,1,9,9"] * 3, occluded="0,0")
    with pytest.raises(SourceError, match=r"full_occlusion\.txt: 2 entries, expected 3"):
        read_all(tmp_path)
    (folder / "full_occlusion.txt").write_text("0,0,2")
    with pytest.raises(SourceError, match=r"value 3 is '2', expected 0 or 1"):
        read_all(tmp_path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    (make_video(tmp_path, ["1,1,9,9"]) / "out_of_view.txt").unlink()
    with pytest.raises(SourceError, match=r"out_of_view\.txt: no such file"):
        read_all(tmp_path)


def test_real_annotations_of_the_test_split_have_the_published_counts(
    shared: Path, tmp_path: Path
) -> None:
    with tarfile.open(shared / "check/lasot/gt.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    names = (shared / "facts/lasot_testing_set.txt").read_text().split()
    num_rows = 0
    for name in names:
        folder = tmp_path / "raw" / name.rpartition("-")[0] / name
        (folder / "img").mkdir(parents=True)
        rows = (tmp_path / f"gt/{name}.txt").read_text()
        absent = (tmp_path / f"gt/absent/{name}.txt").read_text().split()
        (folder / "groundtruth.txt").write_text(rows)
        (folder / "full_occlusion.txt").write_text(",".join(absent))
        (folder / "out_of_view.txt").write_text(",".join("0" for _ in absent))
        (folder / f"img/{len(absent):08d}.jpg").write_bytes(b"")
    files = open_root(str(tmp_path / "raw"))
    for name in names:
        (track,) = read_part(files, f"{name.rpartition('-')[0]}/{name}")
        num_rows += len(track.frames)
        assert (track.boxes_xywh[track.visible, 2:] > 0).all()
        assert np.isfinite(track.boxes_xywh).all()
    assert num_rows == 685_360
