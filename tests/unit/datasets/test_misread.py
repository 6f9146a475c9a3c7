"""Boxes that look misread: in another order of the numbers, or copied from frame to frame."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from datasets.build import main as build
from datasets.report.misread import misread_boxes
from datasets.report.mistimed import mistimed_boxes
from datasets.report.problems import find_problems
from manifests.schema import SCHEMA
from manifests.table import Manifest, Metadata, read_manifest
from tests.support.builds import make_jpeg

Box = tuple[float, float, float, float]
COLUMNS = ("source", "video", "track", "frame_width", "frame_height", "x_crc32")
CORNERS = "lie inside as left, top, right, bottom"
SWAPPED = "lie inside with x and y swapped"


def manifest(write: Callable[[Box], Box], *, video: str = "a", seed: int = 0) -> Manifest:
    """Return 60 boxes of a target that moves over a 640x360 frame, written in some order."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(60):
        w, h = rng.uniform(30, 90, 2)
        box = write((rng.uniform(0, 640 - w), rng.uniform(0, 360 - h), w, h))
        place = dict(zip(COLUMNS, ("mine", video, f"{video}-1", 640, 360, number), strict=True))
        rows.append(place | dict(zip(("box_x", "box_y", "box_w", "box_h"), box, strict=True)))
    schema = {name: SCHEMA[name] for name in rows[0]}
    table = pl.DataFrame(rows, schema=schema)
    return Manifest(url="m", rows=table, metadata=Metadata(source="mine"), fingerprint="")


def plain(box: Box) -> Box:
    return box


def corners(box: Box) -> Box:
    x, y, w, h = box
    return x, y, x + w, y + h


def swapped(box: Box) -> Box:
    x, y, w, h = box
    return y, x, h, w


@pytest.mark.parametrize("seed", range(5))
def test_boxes_inside_of_their_frames_are_no_problem(seed: int) -> None:
    assert misread_boxes([manifest(plain, seed=seed)]) == []


@pytest.mark.parametrize(("write", "reading"), [(corners, CORNERS), (swapped, SWAPPED)])
def test_another_order_of_the_numbers_is_recognised(
    write: Callable[[Box], Box], reading: str
) -> None:
    problems = misread_boxes([manifest(plain, video="b"), manifest(write)])
    assert len(problems) == 1
    assert problems[0].startswith("mine: boxes of 1 videos, such as a, leave their frames")
    assert reading in problems[0]


def test_targets_that_reach_beyond_the_border_are_no_problem() -> None:
    def shift(box: Box) -> Box:
        return box[0] + 100, box[1], box[2], box[3]

    assert misread_boxes([manifest(shift)]) == []


def test_a_box_that_never_changes_over_changing_pictures_is_told() -> None:
    still = manifest(lambda _: (10, 20, 30, 40), video="b")
    (problem,) = misread_boxes([manifest(plain), still])
    assert problem.startswith("mine: 1 of 2 tracks, such as b-1, have one box in all")
    same = still.rows.with_columns(pl.lit(7, dtype=pl.UInt32).alias("x_crc32"))
    one_picture = Manifest(url="m", rows=same, metadata=still.metadata, fingerprint="")
    assert misread_boxes([one_picture]) == []
    many = [manifest(plain, video=f"v{number}") for number in range(10)]
    assert misread_boxes([still, *many]) == []


def test_corners_in_own_text_files_are_told_by_the_report(tmp_path: Path) -> None:
    for name in ("a", "b"):
        video = tmp_path / "raw" / name
        video.mkdir(parents=True)
        lines = []
        for number in range(24):
            (video / f"{number:03d}.jpg").write_bytes(make_jpeg(number))
            x, y = 5 + 4 * number, 10 + 2 * number
            lines.append(f"{x},{y},{x + 40},{y + 30}")
        (video / "groundtruth.txt").write_text("\n".join(lines))
    options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out"), "--name", "mine"]
    assert build(["--src", "folders", *options]) == 0
    problems = find_problems([read_manifest(str(tmp_path / "out/manifest.parquet"))])
    assert any(CORNERS in problem for problem in problems)


@pytest.mark.parametrize(("shift", "word"), [(0, ""), (1, "late"), (-1, "early")])
def test_boxes_of_the_frame_before_or_after_are_told(
    shift: int, word: str, shared: Path, tmp_path: Path
) -> None:
    write_shifted(shared / "data/otb/Couple", tmp_path / "raw/Couple", shift=shift)
    options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out"), "--name", "mine"]
    assert build(["--src", "folders", "--margin", "16", *options]) == 0
    problems = mistimed_boxes([read_manifest(str(tmp_path / "out/manifest.parquet"))])
    told = "mine: 1 of 1 tracks looked at, such as Couple-1, have boxes that follow the picture"
    assert [problem.partition(" one frame ")[0] for problem in problems] == ([told] if word else [])
    assert all(f"one frame {word}. Check that" in problem for problem in problems)


def write_shifted(source: Path, video: Path, *, shift: int) -> None:
    """Write 60 frames of a sequence of OTB with the boxes of the frames before or after them."""
    video.mkdir(parents=True)
    lines = (source / "groundtruth_rect.txt").read_text().splitlines()
    for number in range(2, 62):
        image = source / f"img/{number:04d}.jpg"
        (video / image.name).symlink_to(image)
    (video / "groundtruth.txt").write_text("\n".join(lines[1 - shift : 61 - shift]))


@pytest.mark.parametrize("source", ["vid", "coco", "uav123", "lasot"])
def test_the_sample_has_no_such_boxes(sample_shards: Path, source: str) -> None:
    manifests = [read_manifest(str(sample_shards / source / "manifest.parquet"))]
    assert [*misread_boxes(manifests), *mistimed_boxes(manifests)] == []
