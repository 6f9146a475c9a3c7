"""The UAV123 source: pieces of folders, absent targets, both releases."""

import json
from pathlib import Path

import numpy as np
import pytest

from datasets.files import open_root
from datasets.sources.uav123 import list_parts, read_part, sequence_ranges
from datasets.tracks import SourceError, Track


def make_sequence(
    root: Path, name: str, *, release: str = "UAV123_10fps", row: str = "9,9,5,5"
) -> Path:
    """Write a sequence with the official number of rows and an empty image folder."""
    folder, first, last = sequence_ranges()[release][name]
    (root / f"data_seq/{release}/{folder}").mkdir(parents=True, exist_ok=True)
    annotation = root / f"anno/{release}/{name}.txt"
    annotation.parent.mkdir(parents=True, exist_ok=True)
    annotation.write_text(f"{row}\n" * (last - first + 1))
    return annotation


def read_all(root: Path) -> list[Track]:
    files = open_root(str(root))
    return [track for part in list_parts(files) for track in read_part(files, part)]


def test_ranges_are_the_official_ones(shared: Path) -> None:
    official = json.loads((shared / "facts/uav123_ranges.json").read_text())
    for release, sequences in sequence_ranges().items():
        assert {name: list(piece) for name, piece in sequences.items()} == official[release]
        assert len(sequences) == 123
        assert len({folder for folder, _, _ in sequences.values()}) == 91
    last_minus_first = [last - first + 1 for _, first, last in sequence_ranges()["UAV123"].values()]
    assert sum(last_minus_first) == 112_578


@pytest.mark.parametrize("release", ["UAV123", "UAV123_10fps"])
def test_pieces_of_a_folder_are_one_group_and_read_their_own_frames(
    tmp_path: Path, release: str
) -> None:
    for number in (1, 2, 3):
        make_sequence(tmp_path, f"bird1_{number}", release=release)
    tracks = read_all(tmp_path)
    assert [track.name for track in tracks] == ["bird1_1", "bird1_2", "bird1_3"]
    assert {track.group for track in tracks} == {"bird1"}
    for track in tracks:
        _, first, last = sequence_ranges()[release][track.name]
        assert track.frames[0] == f"data_seq/{release}/bird1/{first:06d}.jpg"
        assert track.frames[-1] == f"data_seq/{release}/bird1/{last:06d}.jpg"
        assert track.frame_numbers.tolist() == list(range(first, last + 1))
        assert track.category == "bird"


def test_nan_rows_are_absent_and_boxes_are_zero_based(tmp_path: Path) -> None:
    annotation = make_sequence(tmp_path, "uav6")
    rows = annotation.read_text().splitlines()
    rows[3] = "NaN,NaN,NaN,NaN"
    annotation.write_text("\r\n".join(rows) + "\r\n")
    (track,) = read_all(tmp_path)
    assert np.flatnonzero(~track.visible).tolist() == [3]
    assert np.isnan(track.boxes_xywh[3]).all()
    assert track.boxes_xywh[0].tolist() == [8, 8, 5, 5]


def test_simulated_sequences_have_their_own_category_and_group(tmp_path: Path) -> None:
    make_sequence(tmp_path, "person2_s")
    (track,) = read_all(tmp_path)
    assert (track.group, track.category) == ("person2_s", "person")


def test_wrong_number_of_lines_is_an_error(tmp_path: Path) -> None:
    annotation = make_sequence(tmp_path, "uav6")
    annotation.write_text("9,9,5,5\n" * 36)
    with pytest.raises(SourceError, match=r"uav6\.txt: 36 entries, expected 37, frames 1 to 37"):
        read_all(tmp_path)


def test_missing_annotation_is_named(tmp_path: Path) -> None:
    make_sequence(tmp_path, "uav6").unlink()
    with pytest.raises(SourceError, match=r"uav6\.txt: no such file"):
        read_all(tmp_path)


def test_one_folder_above_and_partial_copies_are_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_sequence(tmp_path / "UAV123", "uav6")
    assert list_parts(open_root(str(tmp_path))) == ["UAV123/anno/UAV123_10fps/uav6"]
    assert "122 of UAV123's sequences are not here" in caplog.text


def test_both_releases_at_once_are_refused(tmp_path: Path) -> None:
    make_sequence(tmp_path, "uav6")
    make_sequence(tmp_path, "uav6", release="UAV123")
    with pytest.raises(SourceError, match="show the same videos"):
        list_parts(open_root(str(tmp_path)))


def test_root_without_image_folders_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "uav6").mkdir()
    with pytest.raises(SourceError, match="holds 'data_seq' and 'anno'"):
        list_parts(open_root(str(tmp_path)))


def test_real_annotations_parse(shared: Path, tmp_path: Path) -> None:
    paths = sorted((shared / "data/annotations/UAV123/anno/UAV123").glob("*.txt"))
    for path in paths:
        make_sequence(tmp_path, path.stem, release="UAV123").write_bytes(path.read_bytes())
    files = open_root(str(tmp_path))
    tracks = {
        track.name: track
        for path in paths
        for track in read_part(files, f"anno/UAV123/{path.stem}")
    }
    assert len(tracks) == 12
    assert not tracks["bird1_2"].visible[106]
    assert (~tracks["bike2"].visible).sum() == 35


def test_real_10_fps_release_is_read(shared: Path) -> None:
    tracks = read_all(shared / "data/uav123_10fps")
    assert {track.name: len(track.frames) for track in tracks} == {
        "building5": 161,
        "wakeboard7": 67,
        "wakeboard10": 157,
    }
    for track in tracks:
        assert all((shared / "data/uav123_10fps" / name).is_file() for name in track.frames)
