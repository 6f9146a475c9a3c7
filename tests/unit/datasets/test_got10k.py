"""The GOT-10k source: labels, absent targets, videos that VOT forbids."""

from pathlib import Path

import numpy as np
import pytest

from datasets.build import main
from datasets.sources.got10k import excluded_videos
from datasets.tracks import SourceError
from manifests.table import read_manifest
from tests.support.builds import make_jpeg
from tests.support.read_tracks import read_tracks


def make_video(root: Path, name: str = "train/GOT-10k_Train_000001", length: int = 4) -> Path:
    """Write a video; its target is absent in frame 2, invisible in 3 and cut in 4."""
    video = root / name
    video.mkdir(parents=True)
    for number in range(1, length + 1):
        (video / f"{number:08d}.jpg").write_bytes(make_jpeg(number))
    (video / "groundtruth.txt").write_text("21.0000,11.5000,40.0000,30.0000\n" * length)
    (video / "absence.label").write_text("0\n1\n0\n0\n")
    (video / "cover.label").write_text("8\n8\n0\n5\n")
    (video / "cut_by_image.label").write_text("0\n0\n0\n1\n")
    (video / "meta_info.ini").write_text("[METAINFO]\nobject_class: polar bear\nx: y\n")
    return video


def test_labels_say_where_the_target_is_visible_occluded_and_cut(tmp_path: Path) -> None:
    make_video(tmp_path)
    (track,) = read_tracks("got10k", tmp_path)
    assert track.visible.tolist() == [True, False, False, True]
    assert track.occluded is not None
    assert track.truncated is not None
    assert track.occluded.tolist() == [False, False, True, True]
    assert track.truncated.tolist() == [False, False, False, True]
    assert track.boxes_xywh[0].tolist() == [20, 10.5, 40, 30]
    assert track.category == "polar bear"
    assert track.frames[0] == "train/GOT-10k_Train_000001/00000001.jpg"


def test_videos_that_vot_forbids_are_dropped_unless_ignored_tracks_are_kept(tmp_path: Path) -> None:
    assert len(excluded_videos()) == 1000
    for number in (1, 2, 4):
        make_video(tmp_path / "raw", f"train/GOT-10k_Train_{number:06d}")
    for option, expected in (([], [1, 2]), (["--keep-ignored"], [1, 2, 4])):
        out = tmp_path / f"out{len(option)}"
        options = ["--root", str(tmp_path / "raw"), "--out", str(out), *option]
        assert main(["--src", "got10k", *options]) == 0
        rows = read_manifest(str(out / "manifest.parquet")).rows
        numbers = sorted({int(name[-6:]) for name in rows["video"].cast(str)})
        assert numbers == expected


def test_val_is_read_only_where_train_is_absent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_video(tmp_path, "val/GOT-10k_Val_000001")
    assert [track.name for track in read_tracks("got10k", tmp_path)] == ["GOT-10k_Val_000001"]
    assert "val is a benchmark" in caplog.text
    make_video(tmp_path)
    assert [track.name for track in read_tracks("got10k", tmp_path)] == ["GOT-10k_Train_000001"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cover.label", "8\n9\n8\n8\n", r"cover\.label:2: 9, expected 0 to 8"),
        ("cover.label", "8\n8\n", r"cover\.label: 2 entries, expected 4"),
        ("absence.label", "0\n2\n0\n0\n", r"absence\.label: value 2 is '2', expected 0 or 1"),
        ("groundtruth.txt", "1,2,3,4\n" * 3, r"label: 4 entries, expected 3"),
        ("meta_info.ini", "[METAINFO]\n", r"meta_info\.ini: no object_class"),
    ],
)
def test_a_wrong_label_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (make_video(tmp_path) / name).write_text(text)
    with pytest.raises(SourceError, match=message):
        read_tracks("got10k", tmp_path)


def test_missing_images_are_named(tmp_path: Path) -> None:
    (make_video(tmp_path) / "00000004.jpg").unlink()
    with pytest.raises(SourceError, match=r"4 lines, but .*00000004\.jpg does not exist"):
        read_tracks("got10k", tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "video").mkdir()
    with pytest.raises(SourceError, match="no video of GOT-10k"):
        read_tracks("got10k", tmp_path)


def test_the_real_piece_is_read(shared: Path) -> None:
    (track,) = read_tracks("got10k", shared / "data/got10k")
    assert len(track.frames) == 40
    assert track.category == "person"
    assert np.array_equal(track.boxes_xywh[0], [613, 352, 10, 24])
    assert track.occluded is not None
    assert track.occluded.sum() == 5
