"""One reader of box text: what editors and toolkits write, for sources, benchmarks and overlap."""

import codecs
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.box_files import decode_text, parse_boxes, parse_flags, read_box_file
from datasets.files import open_root
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.sources import lasot, uav123
from datasets.tracks import SourceError
from evaluation.benchmarks.lasot import LASOT
from evaluation.benchmarks.otb import read_otb
from evaluation.benchmarks.uav123 import read_uav123
from evaluation.benchmarks.vot import read_vot
from evaluation.sequences import to_file

ROWS = [[11.0, 21.0, 30.0, 40.0], [12.0, 22.0, 30.0, 40.0], [13.0, 23.0, 30.0, 40.0]]
EXPECTED = np.array(ROWS)


def spelled(separator: str, end: str = "\n") -> str:
    return "".join(separator.join(f"{number:g}" for number in row) + end for row in ROWS)


SPELLINGS = {
    "byte order mark": codecs.BOM_UTF8 + spelled(",").encode(),
    "tabs": spelled("\t").encode(),
    "blanks": spelled("  ").encode(),
    "semicolons": spelled("; ").encode(),
    "carriage returns": spelled(",", "\r\n").encode(),
    "line ends converted twice": spelled(",", "\r\r\n").encode(),
    "UTF-16": codecs.BOM_UTF16_LE + spelled(",", "\r\n").encode("utf-16-le"),
    "big-endian UTF-16": codecs.BOM_UTF16_BE + spelled(",").encode("utf-16-be"),
    "blank lines at the end": spelled(",").encode() + b"\n \n",
}


def lay_out(root: Path, images: str, truth: str, content: bytes) -> Path:
    for number in range(1, len(ROWS) + 1):
        path = root / images.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (root / truth).parent.mkdir(parents=True, exist_ok=True)
    (root / truth).write_bytes(content)
    return root


def lasot_boxes(root: Path, content: bytes, name: str) -> Path:
    folder = f"{name.rpartition('-')[0]}/{name}"
    lay_out(root, folder + "/img/{:08d}.jpg", f"{folder}/groundtruth.txt", content)
    for flags in ("full_occlusion.txt", "out_of_view.txt"):
        (root / folder / flags).write_bytes(codecs.BOM_UTF8 + b"0,0,0\r\n")
    return root


def lasot_source(root: Path, content: bytes) -> np.ndarray:
    files = open_root(str(lasot_boxes(root, content, "lion-3")))
    (track,) = lasot.read_part(files, "lion/lion-3")
    return to_file(track.boxes_xywh)


def lasot_benchmark(root: Path, content: bytes) -> np.ndarray:
    return LASOT.read(open_root(str(lasot_boxes(root, content, "airplane-1"))))[0].truth


def uav_files(root: Path, content: bytes) -> Path:
    uav123.sequence_ranges()["UAV123"] = {"tiny1": ("tiny1", 1, len(ROWS))}
    return lay_out(root, "data_seq/UAV123/tiny1/{:06d}.jpg", "anno/UAV123/tiny1.txt", content)


def uav_source(root: Path, content: bytes) -> np.ndarray:
    (track,) = uav123.read_part(open_root(str(uav_files(root, content))), "anno/UAV123/tiny1")
    return to_file(track.boxes_xywh)


def uav_benchmark(root: Path, content: bytes) -> np.ndarray:
    return read_uav123(open_root(str(uav_files(root, content))), "UAV123")[0].truth


def otb_benchmark(root: Path, content: bytes) -> np.ndarray:
    lay_out(root, "Biker/img/{:04d}.jpg", "Biker/groundtruth_rect.txt", content)
    return read_otb(open_root(str(root)))[0].truth


def vot_benchmark(root: Path, content: bytes) -> np.ndarray:
    lay_out(root, "bag/color/{:08d}.jpg", "bag/groundtruth.txt", content)
    corners = read_vot(open_root(str(root)), "vot2018")[0].truth.reshape(-1, 4, 2)
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, high - low], axis=1)


def overlap(root: Path, content: bytes) -> np.ndarray:
    lay_out(root, "Biker/img/{:04d}.jpg", "Biker/groundtruth_rect.txt", content)
    return read_benchmark(open_root(str(root)))[0].boxes_xywh


def tracking_truth(root: Path, content: bytes) -> np.ndarray:
    (root / "truth.txt").write_bytes(content)
    return read_box_file(root / "truth.txt")


READERS = (
    lasot_source,
    lasot_benchmark,
    uav_source,
    uav_benchmark,
    otb_benchmark,
    vot_benchmark,
    overlap,
    tracking_truth,
)


@pytest.fixture(autouse=True)
def _own_uav_table() -> object:
    yield
    uav123.sequence_ranges.cache_clear()


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_reader_takes_every_spelling_of_truth(
    tmp_path: Path, read: Callable[[Path, bytes], np.ndarray], content: bytes
) -> None:
    boxes = read(tmp_path, content)
    # VOT's rectangles become polygons by its own rule, which keeps the corner.
    columns = 2 if read is vot_benchmark else 4
    np.testing.assert_array_equal(boxes[:, :columns], EXPECTED[:, :columns])


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_every_reader_names_the_line_that_is_wrong(
    tmp_path: Path, read: Callable[[Path, bytes], np.ndarray]
) -> None:
    with pytest.raises(SourceError, match=r"\.txt:2: 3 numbers, expected 4"):
        read(tmp_path, b"11,21,30,40\n12,22,30\n13,23,30,40\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n\n5,6,7,8\n", "t:2: a blank line between others, expected 4 numbers"),
        ("1,,2,3,4\n", "t:1: '1,,2,3,4' has an empty place, expected 4 numbers"),
        ("1,2,3,1_0\n", "t:1: '1_0' is not a number"),
        ("1,2,3,4 # x\n", "t:1: '#' is not a number"),
    ],
)
def test_nothing_in_a_line_is_passed_over(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse_boxes(text, where="t")


def test_text_in_utf_16_without_its_mark_says_what_to_do() -> None:
    with pytest.raises(SourceError, match=r"UTF-16 without a byte order mark. Save it as UTF-8"):
        decode_text("1,2,3,4\n".encode("utf-16-le"), where="t")


def test_flags_are_zeros_and_ones_in_one_line_or_many() -> None:
    assert parse_flags("0,1,1\r\n", where="f").tolist() == [False, True, True]
    assert parse_flags("0\n1.0\n1\n", where="f").tolist() == [False, True, True]
    for text, found in (("0,2", "value 2 is '2'"), ("", "empty"), ("0,nan", "value 2 is 'nan'")):
        with pytest.raises(SourceError, match=f"f: {found}, expected 0 or 1"):
            parse_flags(text, where="f")


@pytest.mark.parametrize("word", ["9" * 1000, "x" * 1000])
def test_a_word_as_long_as_a_file_does_not_fill_the_screen(word: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_boxes(f"1,2,3,4\n1,2,{word},4\n", where="a.txt")
    assert str(caught.value).startswith("a.txt:2: ")
    assert len(str(caught.value)) < 200
