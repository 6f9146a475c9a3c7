"""Own footage with mistakes: each is one line with the file and its row, exit code 1."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.build import main
from tests.support.footage import write_boxes, write_frames

Change = Callable[[Path], object]


def edit(name: str, old: str, new: str) -> Change:
    def change(video: Path) -> None:
        text = (video / name).read_text()
        assert old in text
        (video / name).write_text(text.replace(old, new, 1))

    return change


def write(name: str, content: str | bytes) -> Change:
    data = content.encode() if isinstance(content, str) else content
    return lambda video: (video / name).write_bytes(data)


def edit_json(key: str, value: object) -> Change:
    def change(video: Path) -> None:
        table = json.loads((video / "instances.json").read_text())
        table["annotations"][2][key] = value
        (video / "instances.json").write_text(json.dumps(table))

    return change


def video_file(*names: str) -> Change:
    def change(video: Path) -> None:
        for image in video.glob("*.jpg"):
            image.unlink()
        for name in names:
            (video / name).write_bytes(b"no video")

    return change


def color_mask(video: Path) -> None:
    cv2.imwrite(str(video / "masks/000002.png"), np.zeros((120, 160, 3), np.uint8))


def small_mask(video: Path) -> None:
    cv2.imwrite(str(video / "masks/000003.png"), np.ones((60, 80), np.uint8))


def same_frame_twice(video: Path) -> None:
    edit(JSON, "000002.jpg", "000001.jpg")(video)


def cut_mask(video: Path) -> None:
    path = video / "masks/000003.png"
    path.write_bytes(path.read_bytes()[:-20])


def huge_mask(video: Path) -> None:
    path = video / "masks/000003.png"
    data = path.read_bytes()
    path.write_bytes(data[:16] + struct.pack(">II", 30_000, 30_000) + data[24:])


TEXT, MOT, XML, JSON = "groundtruth_1.txt", "gt/gt.txt", "annotations.xml", "instances.json"
MISTAKES: list[tuple[str, Change, str]] = [
    ("text", edit(TEXT, "13,23,40,30", "13,23,40"), f"{TEXT}:2: 3 numbers, expected"),
    ("text", edit(TEXT, "13,23", "13,x"), f"{TEXT}:2: 'x' is not a number"),
    ("text", edit(TEXT, "13,23", "13,,23"), f"{TEXT}:2: '13,,23,40,30' has an empty place"),
    ("text", edit(TEXT, "13,23", "13,inf"), f"{TEXT}:2: 'inf', expected finite"),
    ("text", edit(TEXT, "13,23", "\n13,23"), f"{TEXT}:2: a blank line between others"),
    ("text", edit(TEXT, "13,23,40,30\n", ""), f"{TEXT}:3: 3 boxes, expected 4"),
    ("text", write(TEXT, ""), f"{TEXT}: empty"),
    ("text", write(TEXT, b"\xff\x00\xff"), f"{TEXT}: not a text file"),
    ("text", write(TEXT, "left,right,w,h\n1,2,3,4\n"), f"{TEXT}:1: the columns are"),
    ("text", write(TEXT, "9,1,1,30,30\n"), f"{TEXT}:1: frame 9 has no image, expected frames 1"),
    ("text", write(TEXT, "1,1,1,30,30\n1,1,1,30,30\n"), f"{TEXT}:2: target 1 again"),
    ("text", write(TEXT, "1.5,1,1,30,30\n"), f"{TEXT}:1: frame 1.5, expected a whole number"),
    ("text", write("clip1.png", b""), "frames named"),
    ("mot", edit(MOT, "2,1,13", "7,1,13"), f"{MOT}:3: frame 7 has no image"),
    ("mot", edit(MOT, "2,1,13", "0,1,13"), f"{MOT}:3: frame 0 has no image"),
    ("mot", edit(MOT, "2,1,13", "1,1,13"), f"{MOT}:3: target 1 again in the same frame"),
    ("mot", edit(MOT, "2,1,13,23,40,30,1", "2,1,13"), f"{MOT}:3: 3 numbers, expected frame,id"),
    ("mot", edit(MOT, "2,1,13", "2,NaN,13"), f"{MOT}:3: frame 2 and id nan"),
    ("mot", write(MOT, ""), f"{MOT}: empty"),
    ("cvat", edit(XML, "</track>", ""), f"{XML}: not readable as XML"),
    ("cvat", edit(XML, 'xtl="12"', 'xtl="a"'), f"{XML}: track 1, frame 1: xtl is 'a'"),
    ("cvat", edit(XML, 'xtl="12"', ""), f"{XML}: track 1, frame 1: xtl is None"),
    ("cvat", edit(XML, 'xbr="52"', 'xbr="5"'), f"{XML}: track 1, frame 1: a box of negative"),
    ("cvat", edit(XML, 'box frame="1"', 'box frame="8"'), f"{XML}: track 1: frame 8 has no image"),
    ("cvat", edit(XML, 'outside="0"', 'outside="no"'), f"{XML}: track 1, frame 0: outside is"),
    ("cvat", edit(XML, 'id="2"', 'id="1"'), f"{XML}: track 1 exists twice"),
    ("cvat", write(XML, "<annotations><image id='0'/></annotations>"), "boxes of single images"),
    ("cvat", write("more.xml", ""), "a second XML file"),
    ("coco", write(JSON, "{"), f"{JSON}: not readable as JSON"),
    ("coco", write(JSON, "[]"), f"{JSON}: no list of images"),
    ("coco", edit(JSON, "000002.jpg", "z.jpg"), f"{JSON}: image 2: no frame 'z.jpg'"),
    ("coco", edit_json("track_id", None), f"{JSON}: annotation 2 has no track_id"),
    ("coco", edit_json("image_id", 99), f"{JSON}: annotation 2: image_id 99"),
    ("coco", edit_json("bbox", [1, 2, 3]), f"{JSON}: annotation 2: bbox is [1, 2, 3]"),
    ("coco", edit_json("category_id", 8), f"{JSON}: annotation 2: category_id 8"),
    (
        "coco",
        edit_json("track_id", "x"),
        f"{JSON}: annotation 2: track_id is 'x', expected a whole",
    ),
    ("coco", same_frame_twice, f"{JSON}: images 1 and 2 are both frame '000001.jpg' of a"),
    ("text", write(TEXT, b"1,2,3,4 \xe9\n"), f"{TEXT}: not a text file in UTF-8. Save it as UTF-8"),
    (
        "text",
        write("../groups.csv", "a,x\na,y\n"),
        "groups.csv:2: a is in x and in y, expected one",
    ),
    ("cvat", video_file("a.avi"), "a.avi: no frame can be decoded"),
    ("cvat", video_file("a.avi", "b.avi"), "2 video files, such as a/b.avi, expected one"),
    ("masks", color_mask, "000002.png: a PNG of colours"),
    ("masks", cut_mask, "000003.png: the image is damaged or cut off"),
    ("masks", small_mask, "000003.png: a mask of 80x60 pixels, expected 160x120 as a/000003.jpg"),
    ("masks", huge_mask, "000003.png: the header states 30000 x 30000 px, expected up to 100"),
    ("masks", write("masks/000009.png", b""), "000009.png: a mask without a frame"),
    ("masks", write("masks/000002.png", b""), "000002.png: 0 bytes that are not a PNG"),
]


@pytest.mark.parametrize(("kind", "change", "message"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_a_mistake_is_one_line_with_file_and_row(
    kind: str, change: Change, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = write_frames(tmp_path / "raw/a")
    write_boxes(video, kind)
    change(video)
    options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out")]
    assert main(["--src", "folders", *options]) == 1
    (error,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert message in error
    assert "\n" not in error
