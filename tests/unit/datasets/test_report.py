"""python -m datasets.report: which crops it shows, which numbers it prints, what it writes."""

from pathlib import Path

import cv2
import polars as pl
import pytest

from datasets.report.__main__ import main
from datasets.report.choose_crops import (
    choose_blurred,
    choose_extremes,
    choose_random,
    choose_tracks,
)
from datasets.report.summary import count_tables, dropped_table, measures, track_lengths
from manifests.table import Manifest, read_manifest
from manifests.together import with_manifest

SOURCES = ("vid", "coco", "uav123", "lasot")


@pytest.fixture(scope="module")
def manifests(sample_shards: Path) -> list[Manifest]:
    return [read_manifest(str(sample_shards / name / "manifest.parquet")) for name in SOURCES]


@pytest.fixture(scope="module")
def rows(manifests: list[Manifest]) -> pl.DataFrame:
    return with_manifest(manifests)


def test_every_crop_is_counted_once(manifests: list[Manifest], rows: pl.DataFrame) -> None:
    by_split, by_category = count_tables(rows)
    assert sum(row[2] for row in by_split.rows) == rows.height  # type: ignore[misc]
    assert sum(row[2] for row in by_category.rows) == rows.height  # type: ignore[misc]
    moving = rows.filter(pl.len().over("manifest", "track") > 1)
    assert track_lengths(rows)["length"].sum() == moving.height
    still = rows.filter(pl.col("source") == "coco")
    assert track_lengths(still)["length"].to_list() == [1] * still.height
    dropped = dropped_table(manifests)
    assert dropped.columns[1:] == SOURCES
    for frames_in, *parts in zip(*(row[1:] for row in dropped.rows), strict=True):
        assert sum(parts) == frames_in


def test_two_builds_of_a_source_are_counted_together(manifests: list[Manifest]) -> None:
    once, twice = dropped_table(manifests[:1]), dropped_table([manifests[0], manifests[0]])
    assert [row[1] for row in twice.rows] == [2 * row[1] for row in once.rows]  # type: ignore[operator]
    motion = [
        measures(with_manifest(part))["motion"] for part in (manifests[:1], manifests[:1] * 2)
    ]
    assert motion[1].null_count() == 2 * motion[0].null_count()
    assert motion[1].max() == motion[0].max()


def test_motion_is_in_target_sides_a_frame_and_within_a_track() -> None:
    boxes = {"box_x": [0.0, 30.0, 90.0, 5.0], "box_y": [0.0, 40.0, 120.0, 5.0]}
    rows = pl.DataFrame({"manifest": 0, "track": [*"aaab"], "frame": [1, 2, 4, 1], **boxes})
    rows = rows.with_columns(box_w=pl.lit(20.0), box_h=pl.lit(5.0), source=pl.lit("lasot"))
    found = measures(rows.sample(fraction=1, shuffle=True, seed=3)).sort("motion")
    assert found["motion"].to_list() == [None, None, 5.0, 5.0]  # 50 px and 100 px in two frames
    assert found["side"].to_list() == [10.0] * 4
    assert found["aspect"].to_list() == [4.0] * 4


def test_extremes_are_extreme_and_show_each_track_once(rows: pl.DataFrame) -> None:
    area = (rows["box_w"] * rows["box_h"]).alias("area")
    chosen = choose_extremes(rows, 5)
    assert set(chosen) == {"Smallest targets", "Largest targets", "Most elongated targets"}
    for part in chosen.values():
        assert part.height == 5
        assert part.select("manifest", "track").is_unique().all()
    first = {name: part[0] for name, part in chosen.items()}
    assert (first["Smallest targets"]["box_w"] * first["Smallest targets"]["box_h"])[
        0
    ] == area.min()
    assert (first["Largest targets"]["box_w"] * first["Largest targets"]["box_h"])[0] == area.max()


def test_random_crops_follow_from_the_seed(rows: pl.DataFrame) -> None:
    assert choose_random(rows, 9, seed=1).equals(choose_random(rows, 9, seed=1))
    assert not choose_random(rows, 9, seed=1).equals(choose_random(rows, 9, seed=2))
    assert choose_random(rows, 10**6, seed=1).height == rows.height


def test_blurred_crops_come_in_order(manifests: list[Manifest], rows: pl.DataFrame) -> None:
    blurred = choose_blurred(rows, manifests, 6, candidates=30, seed=0)
    assert blurred["sharpness"].is_sorted()
    assert blurred.height == 6


def test_strips_go_from_the_first_to_the_last_crop_of_moving_targets(rows: pl.DataFrame) -> None:
    for strip in choose_tracks(rows, 6, num_frames=5, seed=0):
        track = rows.filter(
            (pl.col("track") == strip["track"][0]) & (pl.col("manifest") == strip["manifest"][0])
        )
        assert strip["frame"].is_sorted()
        assert (strip["frame"][0], strip["frame"][-1]) == (
            track["frame"].min(),
            track["frame"].max(),
        )
        assert 2 <= strip.height <= 5


def test_strips_are_of_every_source_that_has_tracks(rows: pl.DataFrame) -> None:
    strips = choose_tracks(rows, 6, num_frames=2, seed=0)
    assert (
        sorted(strip["source"][0] for strip in strips)
        == ["lasot"] * 2 + ["uav123"] * 2 + ["vid"] * 2
    )


def test_a_name_ending_in_png_gets_the_picture_alone(
    sample_shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = str(sample_shards / "lasot" / "manifest.parquet")
    out = tmp_path / "crops.png"
    assert main(["--manifests", manifest, "--out", str(out), "--num-crops", "9"]) == 0
    image = cv2.imread(str(out))
    assert image is not None
    assert image.shape == (3 * (255 + 20), 4 * (255 + 4), 3)
    assert capsys.readouterr().out.startswith("9 of ")
    assert list(tmp_path.iterdir()) == [out]


def test_a_condition_that_selects_nothing_is_one_line(
    sample_shards: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = str(sample_shards / "lasot" / "manifest.parquet")
    options = ["--where", "category = 'unicorn'", "--out", str(tmp_path / "r.html")]
    assert main(["--manifests", manifest, *options]) == 1
    assert "no row satisfies" in caplog.messages[-1]
    assert list(tmp_path.iterdir()) == []
