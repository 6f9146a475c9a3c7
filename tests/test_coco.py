"""The COCO source: both image layouts, crowds, boxes without an area, JSON not to be trusted."""

import json
from pathlib import Path
from typing import Any

import pytest

from datasets.files import open_root
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
    with pytest.raises(SourceError, match=r"instances_train2017\.json: .*Get the file") as caught:
        read_all(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["images", "annotations", "categories"])
def test_an_id_twice_is_refused(tmp_path: Path, kind: str) -> None:
    table = make_table([1, 1, 9, 9])
    table[kind].append(table[kind][0])
    make_root(tmp_path, table)
    with pytest.raises(SourceError, match=f"two of its {kind} have the same id"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"images": None}, {"annotations": [7]}, {"categories": [{}]}, {"images": ["x"]}]
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
        with pytest.raises(SourceError, match="one of them is not in the file"):
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
