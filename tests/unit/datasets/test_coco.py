"""The COCO source: both image layouts, crowds, boxes without an area, JSON not to be trusted."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets.build import BuildConfig
from datasets.build import main as build
from datasets.files import open_root
from datasets.images import encode_jpeg
from datasets.sources.coco import list_parts, read_part
from datasets.tracks import SourceError, Track


def make_table(*boxes: list[float], **changes: Any) -> dict[str, Any]:
    image = {"id": 9, "file_name": "000000000009.jpg", "width": 64, "height": 48}
    item = {"image_id": 9, "category_id": 17, "iscrowd": 0, "segmentation": [[1.0] * 6]}
    table = {
        "images": [image, {**image, "id": 25, "file_name": "000000000025.jpg"}],
        "annotations": [{**item, "id": 40 - n, "bbox": box} for n, box in enumerate(boxes)],
        "categories": [{"id": 17, "name": "cat", "supercategory": "animal"}],
    }
    return {**table, **changes}


def make_root(
    root: Path, table: dict[str, Any], *, subset: str = "train2017", folder: str = "train2017"
) -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "annotations").mkdir(exist_ok=True)
    path = root / f"annotations/instances_{subset}.json"
    path.write_text(json.dumps(table))
    return path


def read_all(root: Path) -> list[Track]:
    files = open_root(str(root))
    return [track for part in list_parts(files) for track in read_part(files, part)]


def test_each_object_is_a_track_of_one_frame_and_the_image_is_the_group(tmp_path: Path) -> None:
    make_root(tmp_path, make_table([1.5, 2.25, 10, 20], [3, 4, 5, 6]))
    first, second = read_all(tmp_path)
    assert (first.name, second.name) == ("000000000009-39", "000000000009-40")
    assert first.group == second.group == "000000000009"
    assert second.boxes_xywh.tolist() == [[1.5, 2.25, 10, 20]]
    assert second.frames == ("train2017/000000000009.jpg",)
    assert (second.category, second.frame_size) == ("cat", (64, 48))


def test_both_image_layouts_are_read(tmp_path: Path) -> None:
    make_root(tmp_path, make_table([1, 1, 9, 9]))
    other = make_table([1, 1, 9, 9])
    make_root(tmp_path, other, subset="val2017", folder="images/val2017")
    assert [track.frames[0] for track in read_all(tmp_path)] == [
        "train2017/000000000009.jpg",
        "images/val2017/000000000009.jpg",
    ]


def test_annotations_without_images_are_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_root(tmp_path, make_table())
    (tmp_path / "annotations/instances_val2017.json").write_text("{}")
    assert list_parts(open_root(str(tmp_path))) == ["annotations/instances_train2017.json"]
    assert "no folder val2017" in caplog.text


def test_crowds_are_marked_and_boxes_without_area_are_not_visible(tmp_path: Path) -> None:
    table = make_table([1, 1, 9, 9], [1, 1, 9, 0], [1, 1, 9, 9])
    table["annotations"][0]["iscrowd"] = 1
    table["annotations"][0]["segmentation"] = {"counts": [5, 6], "size": [48, 64]}
    make_root(tmp_path, table)
    tracks = {track.name.rpartition("-")[2]: track for track in read_all(tmp_path)}
    assert {name: track.ignored for name, track in tracks.items()} == {
        "38": None,
        "39": None,
        "40": "crowd",
    }
    assert not tracks["39"].visible[0]
    assert tracks["38"].visible[0]


def test_root_without_annotations_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train2017").mkdir()
    with pytest.raises(SourceError, match="holds 'annotations'"):
        list_parts(open_root(str(tmp_path)))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.jpg", "c:\\x.jpg"])
def test_image_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    table = make_table([1, 1, 9, 9])
    table["images"][0]["file_name"] = name
    make_root(tmp_path, table)
    with pytest.raises(
        SourceError, match=r"image 9 is in .* expected a file inside the image folder"
    ):
        read_all(tmp_path)


@pytest.mark.parametrize(
    "bbox",
    [[1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, float("inf")], [10**400, 2, 3, 4], [], None, 7, "1234"],
)
def test_bad_boxes_name_the_annotation(tmp_path: Path, bbox: Any) -> None:
    make_root(tmp_path, make_table(bbox))
    with pytest.raises(SourceError, match=r"annotation 40 has the bbox .*expected four numbers"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("images", "id", "9"),
        ("images", "id", True),
        ("images", "width", None),
        ("images", "height", -48),
        ("images", "width", 10**30),
        ("images", "file_name", None),
        ("images", "file_name", "\ud800.jpg"),
        ("annotations", "id", None),
        ("annotations", "image_id", "9"),
        ("annotations", "image_id", [9]),
        ("annotations", "category_id", {}),
        ("categories", "id", "17"),
        ("categories", "name", "\ud800"),
    ],
)
@pytest.mark.parametrize("absent", [False, True])
def test_a_bad_value_anywhere_is_one_line_with_the_file(
    tmp_path: Path, kind: str, name: str, value: Any, absent: bool
) -> None:
    table = make_table([1, 1, 9, 9])
    table[kind][0][name] = value
    if absent:
        del table[kind][0][name]
    make_root(tmp_path, table)
    with pytest.raises(SourceError, match=r"instances_train2017\.json: ") as caught:
        read_all(tmp_path)
    advice = "max-bad-annotations" if kind == "annotations" else "Get the file again, or correct"
    kinds = {"images": "image", "annotations": "annotation", "categories": "category"}
    assert "\n" not in str(caught.value)
    assert re.search(f"{kinds[kind]} .* (has no|has the) {name}", str(caught.value))
    assert advice in str(caught.value)
    assert "Error" not in str(caught.value)


@pytest.mark.parametrize("value", ["0", "1", 2, [0], float("nan")])
def test_a_crowd_flag_that_is_none_is_refused(tmp_path: Path, value: Any) -> None:
    table = make_table([1, 1, 9, 9])
    table["annotations"][0]["iscrowd"] = value
    make_root(tmp_path, table)
    with pytest.raises(SourceError, match=r"annotation 40 has the iscrowd .*, expected 0 or 1"):
        read_all(tmp_path)


@pytest.mark.parametrize("value", [0, 0.0, False, None])
def test_every_way_to_write_no_crowd_is_read(tmp_path: Path, value: Any) -> None:
    table = make_table([1, 1, 9, 9])
    table["annotations"][0]["iscrowd"] = value
    make_root(tmp_path, table)
    assert read_all(tmp_path)[0].ignored is None


def test_ids_that_are_whole_numbers_are_read_however_they_are_written(tmp_path: Path) -> None:
    table = make_table([1, 1, 9, 9])
    table["images"][0] |= {"id": 9.0, "width": 64.0}
    table["annotations"][0] |= {"id": 40.0, "image_id": 9.0, "category_id": 17.0}
    table["categories"][0]["id"] = 17.0
    make_root(tmp_path, table)
    (track,) = read_all(tmp_path)
    assert (track.name, track.category) == ("000000000009-40", "cat")
    assert track.frame_size == (64, 48)
    table["annotations"][0]["id"] = 40.5
    make_root(tmp_path, table)
    with pytest.raises(SourceError, match=r"annotation 40.5 has the id 40.5, expected a whole"):
        read_all(tmp_path)


@pytest.mark.parametrize("key", ["bbox", "image_id"])
def test_keys_that_belong_elsewhere_are_passed_over(tmp_path: Path, key: str) -> None:
    table = make_table([1, 1, 9, 9])
    table["images"][0][key] = [1, 2]
    table["annotations"][0] |= {"file_name": "x.jpg", "width": 1, "height": 1}
    make_root(tmp_path, table)
    assert read_all(tmp_path)[0].frames == ("train2017/000000000009.jpg",)


def test_an_image_without_a_name_says_so(tmp_path: Path) -> None:
    table = make_table([1, 1, 9, 9])
    del table["images"][0]["file_name"]
    make_root(tmp_path, table)
    with pytest.raises(SourceError, match=r"json: image 9 has no file_name, expected a name\. Get"):
        read_all(tmp_path)


def test_a_bad_annotation_is_named_with_its_image(tmp_path: Path) -> None:
    table = make_table([1, 1, 9, 9], [2, 2, 9, 9])
    del table["annotations"][1]["bbox"]
    make_root(tmp_path, table)
    with pytest.raises(
        SourceError,
        match=r"annotation 39 has no bbox, expected four numbers \(image '000000000009.jpg'\)\. "
        r"Correct it, or leave out and count such annotations with --max-bad-annotations",
    ):
        read_all(tmp_path)


def test_bad_annotations_up_to_the_limit_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    table = make_table(*[[8.0, 8.0, 20.0, 20.0]] * 7)
    changes: list[dict[str, Any]] = [{"bbox": []}, {"category_id": None}, {"iscrowd": "0"}]
    for item, change in zip(table["annotations"], changes, strict=False):
        item |= change
    table["annotations"][3]["image_id"] = 25
    make_root(tmp_path, table)
    picture = encode_jpeg(np.zeros((48, 64, 3), np.uint8))
    for image in table["images"]:
        (tmp_path / "train2017" / image["file_name"]).write_bytes(picture)
    options = ["--src", "coco", "--root", str(tmp_path), "--out", str(tmp_path / "shards")]
    options += ["--val-fraction", "0.3", "--max-bad-annotations"]
    assert build([*options, "2"]) == 1
    assert "annotation 40 has the bbox [], expected" in caplog.text
    assert "(3 such annotations" in caplog.text
    assert build([*options, "3"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "frames in 7 frames kept 4 dropped: bad annotation 3" in shown
    report = json.loads((tmp_path / "shards/report.json").read_text())
    assert [line.partition("json: ")[2][:14] for line in report["bad_annotations"]] == [
        "annotation 40 ",
        "annotation 39 ",
        "annotation 38 ",
    ]


def test_sources_with_a_row_per_frame_refuse_to_leave_rows_out() -> None:
    with pytest.raises(ValueError, match="--max-bad-annotations: not for lasot"):
        BuildConfig(src="lasot", max_bad_annotations=1)


@pytest.mark.parametrize("kind", ["images", "annotations", "categories"])
def test_an_id_twice_is_refused(tmp_path: Path, kind: str) -> None:
    table = make_table([1, 1, 9, 9])
    table[kind].append(table[kind][0])
    make_root(tmp_path, table)
    with pytest.raises(SourceError, match=f"two of its {kind} have the same id"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"images": None}, {"annotations": [7]}, {"categories": {}}, {"images": ["x"]}]
)
def test_json_of_another_layout_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    make_root(tmp_path, make_table([1, 1, 9, 9], **changes))
    with pytest.raises(SourceError, match="not laid out as COCO's JSON"):
        read_all(tmp_path)


def test_objects_of_unknown_images_and_categories_are_refused(tmp_path: Path) -> None:
    for key in ("image_id", "category_id"):
        table = make_table([1, 1, 9, 9])
        table["annotations"][0][key] = 99
        make_root(tmp_path, table)
        with pytest.raises(SourceError, match=f"annotation 40 has the {key} 99, which is not in"):
            read_all(tmp_path)


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_json_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    path = make_root(tmp_path, make_table([1, 1, 9, 9]))
    path.write_text(path.read_text()[:keep])
    with pytest.raises(SourceError, match="not readable as COCO's JSON"):
        read_all(tmp_path)


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    make_root(tmp_path, {}).write_text("[" * 100_000)
    with pytest.raises(SourceError, match="not readable as COCO's JSON"):
        read_all(tmp_path)


def test_real_subset_is_read(shared: Path) -> None:
    root = shared / "data/coco/tinycoco"
    tracks = read_all(root)
    assert sum(track.ignored == "crowd" for track in tracks) >= 1
    assert all((root / track.frames[0]).is_file() for track in tracks)
    assert len({track.name for track in tracks}) == len(tracks)
