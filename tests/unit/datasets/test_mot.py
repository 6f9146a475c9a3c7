"""The source of MOTChallenge: columns by year, copies of MOT17, incomplete sequences."""

from pathlib import Path

import pytest

from datasets.tracks import SourceError
from tests.support.builds import make_jpeg
from tests.support.read_tracks import read_tracks

MOT16 = "1,3,11,21,40,50,1,3,1\n2,3,12,21,40,50,1,3,0.5\n3,3,13,21,40,50,1,3,0\n1,1,1,1,9,9,0,1,1\n"


def make_sequence(root: Path, name: str, rows: str = MOT16, length: int = 3) -> Path:
    sequence = root / name
    for folder in ("img1", "gt"):
        (sequence / folder).mkdir(parents=True)
    for number in range(1, length + 1):
        (sequence / f"img1/{number:06d}.jpg").write_bytes(make_jpeg(number))
    (sequence / "gt/gt.txt").write_text(rows)
    (sequence / "seqinfo.ini").write_text("[Sequence]\nname=x\nseqLength=3\n")
    return sequence


def test_class_visibility_and_confidence_are_of_files_with_nine_columns(tmp_path: Path) -> None:
    make_sequence(tmp_path, "train/MOT16-02")
    pedestrian, car = read_tracks("mot", tmp_path)
    assert (pedestrian.category, car.category) == ("pedestrian", "car")
    assert pedestrian.visible.tolist() == [False]
    assert car.visible.tolist() == [True, True, False]
    assert car.occluded is not None
    assert car.occluded.tolist() == [False, True, False]
    assert car.boxes_xywh[0].tolist() == [10, 20, 40, 50]
    assert car.name == "MOT16-02-3"


def test_ten_columns_have_places_in_the_world_and_no_class(tmp_path: Path) -> None:
    make_sequence(tmp_path, "train/ADL-Rundle-6", "1,1,5,5,9,9,1,-1,-1,-1\n2,1,5,5,9,9,1,0,0,0\n")
    (track,) = read_tracks("mot", tmp_path)
    assert track.visible.all()
    assert track.category == "pedestrian"


def test_a_video_of_mot17_is_read_once_and_its_group_has_no_detector(tmp_path: Path) -> None:
    for detector in ("DPM", "FRCNN", "SDP"):
        make_sequence(tmp_path, f"MOT17/train/MOT17-02-{detector}")
    tracks = read_tracks("mot", tmp_path)
    assert {track.video for track in tracks} == {"MOT17-02-DPM"}
    assert {track.group for track in tracks} == {"MOT17-02"}


def test_sequences_for_testing_are_not_read(tmp_path: Path) -> None:
    make_sequence(tmp_path, "train/dancetrack0001")
    (make_sequence(tmp_path, "test/dancetrack0003") / "gt/gt.txt").unlink()
    assert {track.video for track in read_tracks("mot", tmp_path)} == {"dancetrack0001"}


def test_a_sequence_shorter_than_stated_is_refused(tmp_path: Path) -> None:
    make_sequence(tmp_path, "train/MOT16-02", length=2)
    with pytest.raises(SourceError, match=r"2 images, expected 3 as seqinfo\.ini states"):
        read_tracks("mot", tmp_path)


def test_a_root_without_ground_truth_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train/MOT16-02/img1").mkdir(parents=True)
    with pytest.raises(SourceError, match=r"no sequence with gt/gt\.txt"):
        read_tracks("mot", tmp_path)


def test_the_real_piece_is_read(shared: Path) -> None:
    tracks = read_tracks("mot", shared / "data/mot")
    assert len(tracks) == 8
    assert sum(len(track.frames) for track in tracks) == 359
    assert tracks[0].boxes_xywh[0].tolist() == [398, 181, 121, 229]
