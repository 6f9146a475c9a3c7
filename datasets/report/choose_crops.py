"""Choice of crops to show: random ones, extremes, and whole tracks."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import polars as pl

from datasets.images import decode_image
from datasets.read_crop import read_jpeg
from manifests.table import Manifest


def choose_random(rows: pl.DataFrame, count: int, *, seed: int) -> pl.DataFrame:
    """Return rows drawn without replacement."""
    return rows.sample(min(count, rows.height), seed=seed, shuffle=True)


def choose_extremes(rows: pl.DataFrame, count: int) -> dict[str, pl.DataFrame]:
    """Return the smallest, largest and most elongated targets, at most one per track."""
    area = pl.col("box_w") * pl.col("box_h")
    longest = pl.max_horizontal("box_w", "box_h") / pl.min_horizontal("box_w", "box_h")
    return {
        "Smallest targets": _top(rows, area, count, descending=False),
        "Largest targets": _top(rows, area, count, descending=True),
        "Most elongated targets": _top(rows, longest, count, descending=True),
    }


def choose_blurred(
    rows: pl.DataFrame,
    manifests: Sequence[Manifest],
    count: int,
    *,
    candidates: int,
    seed: int,
    progress: Callable[[int], object] = lambda done: None,
) -> pl.DataFrame:
    """Return the most blurred of some random rows, at most one per track.

    Blur is the variance of the Laplacian over the target in the search crop.

    Args:
        rows: Rows with their manifest's number.
        manifests: The manifests of the crops.
        count: Number of rows to return.
        candidates: Number of rows to draw and decode.
        seed: Seed of the draw.
        progress: Called with 1 after each crop.
    """
    drawn = choose_random(rows, candidates, seed=seed)
    sharpness = []
    for row in drawn.iter_rows(named=True):
        image = decode_image(read_jpeg(manifests[row["manifest"]].url, row, "x"))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        half_w, half_h = (
            max(8, round(row[side] * row["scale"] / 2)) for side in ("box_w", "box_h")
        )
        middle = grey.shape[0] // 2
        target = grey[
            max(middle - half_h, 0) : middle + half_h, max(middle - half_w, 0) : middle + half_w
        ]
        sharpness.append(float(cv2.Laplacian(target, cv2.CV_32F).var()))
        progress(1)
    drawn = drawn.with_columns(pl.Series("sharpness", sharpness, pl.Float64))
    return _top(drawn, pl.col("sharpness"), count, descending=False)


def choose_tracks(
    rows: pl.DataFrame, count: int, *, num_frames: int, seed: int
) -> list[pl.DataFrame]:
    """Return some random tracks, as rows at equal distances from first to last.

    The manifests alternate, so that all of them appear.
    Tracks of a single image (COCO's) are returned only if there are no others.
    """
    track = pl.col("track").cast(pl.String)
    tracks = rows.group_by("manifest", track).len().sort("manifest", "track")
    moving = tracks.filter(pl.col("len") > 1)
    tracks = (tracks if moving.is_empty() else moving).drop("len")
    shuffled = tracks.sample(fraction=1, seed=seed, shuffle=True)
    turn = pl.int_range(pl.len()).over("manifest")
    chosen = shuffled.sort(turn, "manifest").head(count)
    strips = []
    for number, name in chosen.iter_rows():
        of_track = rows.filter((pl.col("manifest") == number) & (pl.col("track") == name))
        of_track = of_track.sort("frame")
        shown = np.linspace(0, of_track.height - 1, min(num_frames, of_track.height))
        strips.append(of_track[np.round(shown).astype(int).tolist()])
    return strips


def _top(rows: pl.DataFrame, by: pl.Expr, count: int, *, descending: bool) -> pl.DataFrame:
    """Return the first rows by an expression, at most one per track."""
    key = by.alias("_key")
    ordered = rows.with_columns(key).sort("_key", "frame", descending=[descending, False])
    return ordered.unique(["manifest", "track"], keep="first", maintain_order=True).head(count)
