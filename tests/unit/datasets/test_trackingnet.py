"""The TrackingNet source: frames from 0, names with dashes, pieces of one recording."""

from pathlib import Path

import pytest

from datasets.tracks import SourceError
from tests.support.builds import make_jpeg
from tests.support.read_tracks import read_tracks


def make_video(root: Path, name: str, chunk: str = "TRAIN_0", length: int = 3) -> None:
    (root / chunk / "frames" / name).mkdir(parents=True)
    (root / chunk / "anno").mkdir(exist_ok=True)
    for number in range(length):
        (root / chunk / f"frames/{name}/{number}.jpg").write_bytes(make_jpeg(number))
    (root / chunk / f"anno/{name}.txt").write_text("10.5,20,30,40\n" * 3)


def test_frames_and_pixels_are_counted_from_0_and_pieces_are_one_group(tmp_path: Path) -> None:
    for name in ("-_a_b-c_d_e_0", "-_a_b-c_d_e_1"):
        make_video(tmp_path, name)
    make_video(tmp_path, "0123456789a_0", chunk="TRAIN_11")
    tracks = read_tracks("trackingnet", tmp_path)
    assert [track.group for track in tracks] == ["-_a_b-c_d_e", "-_a_b-c_d_e", "0123456789a"]
    assert tracks[0].frames[0] == "TRAIN_0/frames/-_a_b-c_d_e_0/0.jpg"
    assert tracks[0].boxes_xywh[0].tolist() == [10.5, 20, 30, 40]
    assert tracks[0].frame_numbers.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("length", "problem"), [(2, "2.jpg does not"), (4, "3.jpg exists")])
def test_another_number_of_frames_is_refused(tmp_path: Path, length: int, problem: str) -> None:
    make_video(tmp_path, "0123456789a_0", length=length)
    with pytest.raises(SourceError, match=rf"0123456789a_0\.txt: 3 lines, but .*{problem}"):
        read_tracks("trackingnet", tmp_path)


def test_annotated_videos_without_frames_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_video(tmp_path, "0123456789a_0")
    (tmp_path / "TRAIN_0/anno/0123456789b_0.txt").write_text("1,2,3,4\n")
    assert len(read_tracks("trackingnet", tmp_path)) == 1
    assert "1 annotated videos have no frames here" in caplog.text


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "TRAIN_0").mkdir()
    with pytest.raises(SourceError, match="no video of TrackingNet"):
        read_tracks("trackingnet", tmp_path)
