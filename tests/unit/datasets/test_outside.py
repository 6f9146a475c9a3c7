"""Targets outside of their frames: left out and counted, and many of them are told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from datasets.build import main as build
from datasets.filters import OUTSIDE, Filters, frame_tests
from datasets.report.problems import find_problems
from datasets.verify import main as verify
from manifests.table import read_manifest, write_manifest
from tests.support.builds import make_jpeg

SIZE = (160, 120)
INSIDE = [[40.0, 30.0, 40.0, 40.0]]
SAYS_SO = "The images were probably resized after they were annotated, or coordinates are swapped"


def make_coco(root: Path, boxes: list[list[float]], *, num_images: int = 4) -> Path:
    """Write images with the same boxes in each."""
    (root / "annotations").mkdir(parents=True)
    (root / "train2017").mkdir()
    images: list[dict[str, Any]] = []
    for number in range(1, num_images + 1):
        name = f"{number:012d}.jpg"
        (root / "train2017" / name).write_bytes(make_jpeg(number, SIZE))
        images.append({"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]})
    objects = [
        {"id": 100 * image["id"] + place, "image_id": image["id"], "category_id": 1, "bbox": box}
        for image in images
        for place, box in enumerate(boxes)
    ]
    table = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": objects}
    (root / "annotations/instances_train2017.json").write_text(json.dumps(table))
    return root


def make_lasot(root: Path, lines: list[str]) -> Path:
    folder = root / "lion/lion-3"
    (folder / "img").mkdir(parents=True)
    for number in range(1, len(lines) + 1):
        (folder / f"img/{number:08d}.jpg").write_bytes(make_jpeg(number, SIZE))
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    for flags in ("full_occlusion.txt", "out_of_view.txt"):
        (folder / flags).write_text(",".join("0" for _ in lines))
    return root


def run(source: str, root: Path, out: Path) -> int:
    return build(["--src", source, "--root", str(root), "--out", str(out), "--val-fraction", "0.3"])


@pytest.mark.parametrize(
    "box",
    [[160, 9, 40, 40], [9, 120, 40, 40], [-40, 9, 40, 40], [9, -50, 40, 40], [900, 900, 9, 9]],
)
def test_a_box_wholly_outside_is_left_out_and_counted(tmp_path: Path, box: list[float]) -> None:
    root = make_coco(tmp_path / "raw", [*INSIDE, box])
    assert run("coco", root, tmp_path / "out") == 0
    manifest = read_manifest(str(tmp_path / "out/manifest.parquet"))
    assert manifest.metadata.counts == {"frames in": 8, "frames kept": 4, "outside the frame": 4}
    assert verify(["--manifests", manifest.url, "--deep"]) == 0


def test_boxes_are_tested_where_the_size_is_known_from_the_image_only(tmp_path: Path) -> None:
    root = make_lasot(tmp_path / "raw", ["41,31,40,40"] * 5 + ["161,31,40,40", "160,31,40,40"])
    assert run("lasot", root, tmp_path / "out") == 0
    counts = read_manifest(str(tmp_path / "out/manifest.parquet")).metadata.counts
    assert counts == {"frames in": 7, "frames kept": 6, "outside the frame": 1}


def test_a_box_that_reaches_over_the_edge_is_no_box_outside() -> None:
    boxes = np.array([[-39.5, 9, 40, 40], [159.5, 9, 40, 40], [-9, -9, 300, 300.0]])
    sizes = np.tile(np.array(SIZE, np.float64), (3, 1))
    assert not frame_tests(boxes, sizes, Filters())[OUTSIDE].any()
    assert not frame_tests(boxes + 1e6, sizes * np.nan, Filters())[OUTSIDE].any()


@pytest.mark.parametrize(
    ("boxes", "says_so"),
    [
        ([*INSIDE, [900, 900, 40, 40]], True),
        ([*INSIDE, [140, 100, 60, 60]], True),  # over half of the area outside
        (INSIDE * 30 + [[900, 900, 40, 40]], False),
        ([*INSIDE, [-10, 40, 60, 60]], False),
    ],
)
def test_many_boxes_outside_are_told_by_build_and_report(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, boxes: list[list[float]], says_so: bool
) -> None:
    root = make_coco(tmp_path / "raw", boxes)
    assert run("coco", root, tmp_path / "out") == 0
    assert (SAYS_SO in caplog.text) == says_so
    problems = find_problems([read_manifest(str(tmp_path / "out/manifest.parquet"))])
    assert any(SAYS_SO in problem for problem in problems) == says_so


@pytest.mark.parametrize("source", ["coco", "lasot"])
def test_a_build_with_nothing_inside_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    if source == "coco":
        root = make_coco(tmp_path / "raw", [[900, 900, 40, 40]])
    else:
        root = make_lasot(tmp_path / "raw", ["901,901,40,40"] * 3)
    assert run(source, root, tmp_path / "out") == 1
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert SAYS_SO in line
    assert "\n" not in line


def test_verify_finds_the_boxes_outside_of_an_older_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run("coco", make_coco(tmp_path / "raw", INSIDE), tmp_path / "out") == 0
    manifest = read_manifest(str(tmp_path / "out/manifest.parquet"))
    rows = manifest.rows.with_columns(
        pl.when(pl.col("video") == "000000000002").then(1500).otherwise("box_x").alias("box_x")
    )
    write_manifest(manifest.url, rows, manifest.metadata)
    assert verify(["--manifests", manifest.url]) == 1
    assert (
        "1 rows of targets wholly outside of their frames, such as 000000000002-200 in frame 0"
    ) in caplog.text
