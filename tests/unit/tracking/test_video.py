"""Frames in and out, boxes drawn on them, boxes as text."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.box_files import read_box_file
from datasets.tracks import SourceError
from tracking.drawing import TRUTH, colors_of, draw_boxes
from tracking.interface import Prediction
from tracking.records import Record, write_csv
from tracking.video import open_video
from tracking.video_writer import VideoWriter


def ramp(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Return frames that are red, each brighter than the one before."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[..., 0] = np.linspace(20, 230, count)[:, None, None]
    return list(frames)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (47, 63)])
@pytest.mark.parametrize("codec", ["mp4v", "vp09"])
def test_a_video_plays_back_as_written(tmp_path: Path, height: int, width: int, codec: str) -> None:
    path = tmp_path / "new" / "clip.mp4"
    frames = ramp(9, height, width)
    with VideoWriter(path, fps=12, codec=codec) as writer:
        for frame in frames:
            writer.write(frame)
    video = open_video(str(path))
    assert (video.num_frames, video.fps) == (9, 12)
    played = list(video.frames)
    assert len(played) == 9
    for frame, back in zip(frames, played, strict=True):
        assert abs(back[:height, :width].astype(float) - frame).mean() < 6
    assert sorted(path.parent.iterdir()) == [path]


def test_a_failed_video_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"old")

    def fail() -> None:
        with VideoWriter(path, fps=25) as writer:
            writer.write(ramp(1)[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    frames = [ramp(1)[0], ramp(1, 20, 30)[0]]

    def write() -> None:
        with VideoWriter(tmp_path / "clip.mp4", fps=25) as writer:
            for frame in frames:
                writer.write(frame)

    with pytest.raises(SourceError, match="frame 1 is 30 x 20, expected 64 x 48 as the first"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"must end in \.mp4"):
        VideoWriter(tmp_path / "clip.avi", fps=25)


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    video = open_video(str(tmp_path), fps=7)
    assert (video.num_frames, video.fps) == (3, 7)
    assert [int(frame[0, 0, 0]) for frame in video.frames] == [1, 2, 10]


def test_sources_without_frames_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere: no such file or folder"):
        open_video(str(tmp_path / "nowhere"))
    (tmp_path / "img").mkdir()
    with pytest.raises(SourceError, match=r"no images in this folder; its folders are \['img'\]"):
        open_video(str(tmp_path))
    text = tmp_path / "clip.mp4"
    text.write_text("no video")
    with pytest.raises(SourceError, match=r"clip.mp4: no frame can be read"):
        open_video(str(text))
    (tmp_path / "img" / "1.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match=r"1.jpg: 0 bytes"):
        list(open_video(str(tmp_path / "img")).frames)


@pytest.mark.parametrize("index", ["99", "9" * 30])
def test_a_camera_that_is_not_there_is_one_line(index: str, capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(SourceError, match=f"camera {index}: no frame can be read; is it connected"):
        open_video(index)
    assert capfd.readouterr().err == ""  # OpenCV's own lines of C++ errors stay away


def test_boxes_are_drawn_in_their_colours_and_the_image_stays(tmp_path: Path) -> None:
    image = np.full((120, 160, 3), 90, np.uint8)
    colors = colors_of(["a", TRUTH, "b"])
    boxes = {"a": np.array([60, 50, 40, 30.0]), TRUTH: np.array([80, 60, 40, 30.0])}
    drawn = draw_boxes(image, boxes, colors=colors)
    assert (image == 90).all()
    assert drawn[70, 60].tolist() == list(colors["a"])
    assert drawn[75, 120].tolist() == list(colors[TRUTH])
    assert colors[TRUTH] == colors_of([TRUTH])[TRUTH]
    assert len(set(colors.values())) == 3


@pytest.mark.parametrize(
    "box", [[np.nan] * 4, [5, 5, 0, 5], [-1e12, -1e12, 3e12, 3e12], [1e9, 0, 1, 1], [0, 0, 1, 1]]
)
def test_any_box_can_be_drawn(box: list[float]) -> None:
    for shape in [(1, 1, 3), (20, 30, 3), (300, 500, 3)]:
        draw_boxes(np.zeros(shape, np.uint8), {"a": np.array(box)}, colors=colors_of(["a"]))


def test_boxes_survive_the_csv(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    write_csv(path, [Record(3, "mil", Prediction(np.array([1.5, -2, 30.25, 4]), 0.5))])
    assert path.read_text().splitlines() == [
        "frame,tracker,x,y,w,h,score",
        "3,mil,1.500,-2.000,30.250,4.000,0.50000",
    ]


def test_boxes_are_read_whatever_parts_them(tmp_path: Path) -> None:
    path = tmp_path / "truth.txt"
    path.write_text("1,2,3,4\n5\t6\t7\t8\n9 10  11 12\nNaN,NaN,NaN,NaN\n\n")
    boxes = read_box_file(path)
    assert boxes[:3].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
    assert np.isnan(boxes[3]).all()
