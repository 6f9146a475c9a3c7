"""Frames in the order of their numbers, in every reader, and names that leave the order open."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.files import open_root
from datasets.frame_order import sort_frames
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.tracks import SourceError
from evaluation.benchmarks.otb import read_otb
from evaluation.benchmarks.vot import read_vot
from tracking.video import open_video

UNPADDED = ["1.jpg", "2.jpg", "9.jpg", "10.jpg", "11.jpg", "100.jpg"]
LONG = ["9998.jpg", "9999.jpg", "10000.jpg", "10001.jpg"]
MIXED = ["1.jpg", "0002.jpg", "10.jpg", "00011.jpg"]


def write_images(folder: Path, names: list[str]) -> None:
    """Write images that hold their place in time as their grey value."""
    folder.mkdir(parents=True)
    for place, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((8, 8, 3), place, np.uint8))


def write_truth(path: Path, names: list[str]) -> None:
    path.write_text("".join(f"{10 + place},1,5,5\n" for place in range(len(names))))


def read_as_otb(root: Path, names: list[str]) -> list[str]:
    write_images(root / "Biker/img", names)
    write_truth(root / "Biker/groundtruth_rect.txt", names)
    return list(read_otb(open_root(str(root)))[0].frames)


def read_as_vot(root: Path, names: list[str]) -> list[str]:
    write_images(root / "bag/color", names)
    write_truth(root / "bag/groundtruth.txt", names)
    return list(read_vot(open_root(str(root)), "vot2018")[0].frames)


def read_for_overlap(root: Path, names: list[str]) -> list[str]:
    write_images(root / "bag", names)
    write_truth(root / "bag/groundtruth.txt", names)
    return list(read_benchmark(open_root(str(root)))[0].frames)


def read_as_video(root: Path, names: list[str]) -> list[str]:
    write_images(root / "clip", names)
    values = [int(image[0, 0, 0]) for image in open_video(str(root / "clip")).frames]
    return [names[value] for value in values]


READERS = (read_as_otb, read_as_vot, read_for_overlap, read_as_video)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("names", [UNPADDED, LONG, MIXED], ids=["unpadded", "long", "mixed"])
def test_every_reader_takes_frames_in_the_order_of_their_numbers(
    tmp_path: Path, read: Callable[[Path, list[str]], list[str]], names: list[str]
) -> None:
    assert [path.rpartition("/")[2] for path in read(tmp_path, names)] == names


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("0001.jpg", "'0001.jpg' and '1.jpg' have the same number"),
        ("1.png", "'1.jpg' and '1.png' have the same number"),
        ("frame_1.jpg", "'1.jpg' and 'frame_1.jpg', expected names that differ in their numbers"),
    ],
)
def test_every_reader_refuses_names_that_leave_the_order_open(
    tmp_path: Path, read: Callable[[Path, list[str]], list[str]], extra: str, message: str
) -> None:
    names = ["1.jpg", "2.jpg", extra]
    with pytest.raises(SourceError, match=message) as caught:
        read(tmp_path, names)
    assert "\n" not in str(caught.value)


def test_other_files_and_names_without_numbers_are_no_matter() -> None:
    entries = ["img_10.JPG", "img_9.jpg", "._img_9.jpg", "Thumbs.db", "groundtruth.txt"]
    assert sort_frames(entries, where="x") == ["img_9.jpg", "img_10.JPG"]
    assert sort_frames(["b.png", "a.png"], where="x") == ["a.png", "b.png"]
    assert sort_frames(["2026-1-10_9.png", "2026-1-9_10.png"], where="x")[0] == "2026-1-9_10.png"
