"""Own footage: formats, groups, video files and the options of the build."""

import json
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from datasets.build import main
from datasets.files.folders import LocalFolder
from datasets.files.roots import open_root
from datasets.sources.folders import FolderOptions, list_parts, read_part
from datasets.tracks import SourceError, Track
from manifests.table import read_manifest
from tests.support.footage import NUM_FRAMES, TWO_TARGETS, write_boxes, write_frames

KINDS = ("text", "mot", "cvat", "coco", "masks")


def read_all(root: Path, options: FolderOptions = FolderOptions()) -> list[Track]:  # noqa: B008
    files = open_root(str(root))
    return [t for part in list_parts(files, options) for t in read_part(files, part, options)]


def build(root: Path, out: Path, *options: str) -> pl.DataFrame:
    assert main(["--src", "folders", "--root", str(root), "--out", str(out), *options]) == 0
    return read_manifest(str(out / "manifest.parquet")).rows


def test_the_same_boxes_in_all_formats_give_the_same_manifest_rows(tmp_path: Path) -> None:
    manifests = []
    for kind in KINDS:
        for name in ("a", "b"):
            write_boxes(write_frames(tmp_path / kind / name), kind)
        manifests.append(build(tmp_path / kind, tmp_path / f"out_{kind}", "--name", "mine"))
    first = manifests[0]
    assert first["source"].unique().to_list() == ["mine"]
    assert sorted(first["track"].unique()) == ["a-1", "a-2", "b-1", "b-2"]
    boxes = first.filter(pl.col("track") == "a-1").sort("frame").select("^box_.$").rows()
    assert boxes == [box for box in TWO_TARGETS[1] if box is not None]
    for rows in manifests[1:]:
        assert_frame_equal(rows, first)


@pytest.mark.parametrize("kind", KINDS)
def test_a_format_is_recognised_and_told_in_one_line(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_boxes(write_frames(tmp_path / "a"), kind)
    caplog.set_level("INFO")
    list_parts(open_root(str(tmp_path)))
    (line,) = caplog.messages
    assert "1 video with" in line
    assert ("counted from" in line) == (kind != "masks")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("origin", [0, 1])
def test_the_origin_moves_boxes_of_all_formats_but_masks(
    tmp_path: Path, kind: str, origin: int
) -> None:
    write_boxes(write_frames(tmp_path / "a"), kind)
    default = {"text": 1, "mot": 1, "cvat": 0, "coco": 0, "masks": origin}[kind]
    options = FolderOptions(origin=1 if origin else 0)
    assert read_all(tmp_path, options)[0].boxes_xywh[0, 0] == 10 + default - origin


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_is_not_asked_for_folders_that_its_listings_lack(tmp_path: Path, kind: str) -> None:
    write_boxes(write_frames(tmp_path / "a"), kind)

    class Store(LocalFolder):
        def list(self, folder: str) -> list[str]:
            assert folder in ("", "a") or Path(self.where(folder)).is_dir()
            return super().list(folder)

        def exists(self, name: str) -> bool:
            assert Path(self.where(name)).parent.is_dir()
            return super().exists(name)

    store = Store(str(tmp_path))
    assert [t.name for part in list_parts(store) for t in read_part(store, part)] == ["a-1", "a-2"]


def test_two_formats_in_one_folder_need_a_choice(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "a")
    write_boxes(video, "text")
    write_boxes(video, "cvat")
    with pytest.raises(SourceError, match="Choose with --format text or --format cvat"):
        read_all(tmp_path)
    assert len(read_all(tmp_path, FolderOptions(format="cvat"))) == 2


@pytest.mark.parametrize("inner", ["img", "img1", "images", "frames"])
def test_images_may_lie_in_an_inner_folder(tmp_path: Path, inner: str) -> None:
    write_frames(tmp_path / "a" / inner)
    (tmp_path / "a/boxes.csv").write_text("frame,x,y,w,h\n4,5,6,30,30\n2,1,2,30,30\n")
    (track,) = read_all(tmp_path)
    assert list(track.frames) == [f"a/{inner}/000002.jpg", f"a/{inner}/000004.jpg"]
    assert track.frame_numbers.tolist() == [2, 4]
    assert track.boxes_xywh.tolist() == [[0, 1, 30, 30], [4, 5, 30, 30]]


def test_a_missing_image_keeps_the_frames_of_the_other_rows(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "a")
    (video / "000002.jpg").unlink()
    (video / "gt").mkdir()
    (video / "gt/gt.txt").write_text("1,1,5,5,9,9,1\n3,1,5,5,9,9,1\n")
    (track,) = read_all(tmp_path)
    assert list(track.frames) == ["a/000001.jpg", "a/000003.jpg"]


def test_one_json_in_the_root_is_of_all_videos(tmp_path: Path) -> None:
    images, annotations = [], []
    for index, name in enumerate(("a", "b")):
        write_frames(tmp_path / name)
        for number in range(1, NUM_FRAMES + 1):
            image = 10 * index + number
            images.append({"id": image, "file_name": f"{name}/{number:06d}.jpg", "video_id": index})
            box = [index, number, 30, 40]
            row = {"id": image, "image_id": image, "bbox": box, "category_id": 1}
            annotations.append(row | {"instance_id": 5})
    table = {"images": images, "annotations": annotations}
    (tmp_path / "annotations").mkdir()
    text = json.dumps(table | {"categories": [{"id": 1, "name": "cat"}]})
    (tmp_path / "annotations/train.json").write_text(text)
    first, second = read_all(tmp_path)
    assert (first.name, second.name, first.category) == ("a-5", "b-5", "cat")
    assert first.boxes_xywh.tolist() == [[0, number, 30, 40] for number in (1, 2, 3, 4)]
    assert second.boxes_xywh[0].tolist() == [1, 1, 30, 40]


def test_names_of_images_without_a_folder_are_told_apart_by_their_video(tmp_path: Path) -> None:
    rows = []
    for video, name in enumerate(("a", "b")):
        write_frames(tmp_path / name)
        rows.append({"id": video, "file_name": "000001.jpg", "video_id": video})
    box = {"track_id": 1, "category_id": 1}
    boxes = [{"id": n, "image_id": n, "bbox": [n, 2, 30, 40], **box} for n in range(2)]
    table: dict[str, object] = {"images": rows, "annotations": boxes}
    table["categories"] = [{"id": 1, "name": "cat"}]
    (tmp_path / "all.json").write_text(json.dumps(table))
    with pytest.raises(SourceError, match=r"images 0 and 1 are both frame '000001\.jpg' of a"):
        read_all(tmp_path)
    table["videos"] = [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]
    (tmp_path / "all.json").write_text(json.dumps(table))
    boxes_of = {track.name: track.boxes_xywh.tolist() for track in read_all(tmp_path)}
    assert boxes_of == {"a-1": [[0, 2, 30, 40]], "b-1": [[1, 2, 30, 40]]}


def test_a_turned_rectangle_of_cvat_is_the_upright_one_around_it(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "a")
    write_boxes(video, "cvat")
    text = (video / "annotations.xml").read_text()
    (video / "annotations.xml").write_text(text.replace('xtl="10"', 'rotation="90" xtl="10"'))
    box = read_all(tmp_path)[0].boxes_xywh[0]  # 40x30 about (30, 35)
    np.testing.assert_allclose(box, [15, 15, 30, 40], atol=1e-9)


def test_boxes_without_frames_and_groups_of_no_video_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_boxes(write_frames(tmp_path / "a"), "text")
    (tmp_path / "b/pictures").mkdir(parents=True)
    write_boxes(tmp_path / "b", "cvat")
    (tmp_path / "groups.csv").write_text("video,group\na,park\nc,park\n")
    assert len(list_parts(open_root(str(tmp_path)))) == 1
    assert "1 folders have boxes but no frames, and are not read, such as b" in caplog.text
    assert "groups.csv: no video c here" in caplog.text


@pytest.mark.parametrize("names", ["Frame,X,Y,Width,Height", "frame left top width height"])
def test_columns_may_be_named_in_other_words(tmp_path: Path, names: str) -> None:
    video = write_frames(tmp_path / "a")
    (video / "boxes.csv").write_text(f"{names}\n3,5,6,30,30\n")
    assert read_all(tmp_path)[0].boxes_xywh.tolist() == [[4, 5, 30, 30]]


def test_a_json_in_the_root_does_not_disturb_boxes_of_a_video(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    write_boxes(write_frames(tmp_path / "a"), "text")
    assert [track.name for track in read_all(tmp_path)] == ["a-1", "a-2"]


def test_the_coco_export_of_one_video_from_cvat_is_read(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "images")
    write_boxes(folder, "coco")
    (tmp_path / "annotations").mkdir()
    (folder / "instances.json").rename(tmp_path / "annotations/instances_default.json")
    assert [track.name for track in read_all(tmp_path)] == ["images-1", "images-2"]


def test_groups_of_a_table_stay_together(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_boxes(write_frames(tmp_path / name), "text")
    (tmp_path / "groups.csv").write_text("video,group\na,park\nb,park\n")
    groups = {track.video: track.group for track in read_all(tmp_path)}
    assert groups == {"a": "park", "b": "park", "c": "c"}


def test_masks_of_one_value_255_are_one_object(tmp_path: Path) -> None:
    video = write_frames(tmp_path / "a")
    (video / "masks").mkdir()
    mask = np.zeros((120, 160), np.uint8)
    mask[10:30, 20:60] = 255
    cv2.imwrite(str(video / "masks/000001.png"), mask)
    (track,) = read_all(tmp_path)
    assert (track.name, track.boxes_xywh.tolist()) == ("a-1", [[20, 10, 40, 20]])


def test_a_finished_build_under_another_name_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        write_boxes(write_frames(tmp_path / "raw" / name), "text")
    build(tmp_path / "raw", tmp_path / "out", "--name", "mine")
    options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out"), "--name", "other"]
    assert main(["--src", "folders", *options]) == 1
    assert "made with src = 'mine', and now 'other'" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        ["--src", "vid", "--name", "mine"],
        ["--src", "coco", "--origin", "1"],
        ["--src", "folders", "--name", "lasot"],
        ["--src", "folders", "--name", "../x"],
    ],
)
def test_options_of_own_footage_are_checked(options: list[str]) -> None:
    assert main(options) == 2


def test_a_root_without_videos_says_how_to_lay_them_out(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match="no video, expected one folder per video"):
        read_all(tmp_path)
    write_frames(tmp_path / "a")
    with pytest.raises(SourceError, match="no boxes in any of 1 videos"):
        read_all(tmp_path)


def test_a_real_motchallenge_sequence_is_read(shared: Path) -> None:
    tracks = read_all(shared / "data/mot")
    assert len(tracks) == 8
    assert tracks[0].boxes_xywh[0].tolist() == [398, 181, 121, 229]
    assert tracks[0].frames[0] == "TUD-Campus/img1/000001.jpg"


def test_real_masks_of_davis_are_read(shared: Path) -> None:
    tracks = read_all(shared / "data/davis")
    assert {track.video for track in tracks} == {"breakdance"}
    assert len(tracks[0].frames) == 20
    assert (tracks[0].boxes_xywh[:, 2:].min(axis=0) > 20).all()


def test_real_sequences_of_otb_are_read_and_one_of_other_length_is_named(
    shared: Path, tmp_path: Path
) -> None:
    for name in ("Bird2", "Dog", "Girl"):
        (tmp_path / name).symlink_to(shared / "data/otb_dev" / name)
    assert [len(track.frames) for track in read_all(tmp_path)] == [99, 127, 500]
    with pytest.raises(SourceError, match=r"Diving.*:215: 215 boxes, expected 231, one per image"):
        read_all(shared / "data/otb_dev")
