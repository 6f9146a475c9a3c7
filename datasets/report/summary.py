"""Numbers about the crops of one or many manifests: counts, sizes, motion, lengths of tracks."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from commands.pages.page import Table
from manifests.table import Manifest

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
_MOST_CATEGORIES = 30
_FRAMES = ("frames in", "frames kept")


def count_tables(rows: pl.DataFrame) -> tuple[Table, ...]:
    """Return crops, tracks, videos and groups by source and split, and crops by category."""
    names = ["source", "split"]
    by_split = (
        rows.group_by(pl.col(names).cast(pl.String))
        .agg(pl.len(), *(pl.col(name).n_unique() for name in ("track", "video", "group")))
        .sort(names)
    )
    by_category = (
        rows.group_by(pl.col("source", "category").cast(pl.String))
        .agg(pl.len(), pl.col("track").n_unique())
        .sort("len", "source", "category", descending=[True, False, False])
    )
    shown = by_category.head(_MOST_CATEGORIES)
    cut_off = by_category.height > shown.height
    return (
        Table(
            caption="Crop pairs by source and split",
            columns=("source", "split", "crops", "tracks", "videos", "groups"),
            rows=tuple(by_split.iter_rows()),
        ),
        Table(
            caption="Crop pairs by category"
            + (f", the {shown.height} largest of {by_category.height}" if cut_off else ""),
            columns=("source", "category", "crops", "tracks"),
            rows=tuple(shown.iter_rows()),
            folded=shown.height > 12,
        ),
    )


def dropped_table(manifests: Sequence[Manifest]) -> Table:
    """Return the frames of each source: in, kept, and dropped by reason."""
    counts: dict[str, Counter[str]] = {}
    for manifest in manifests:
        counts.setdefault(manifest.metadata.source, Counter()).update(manifest.metadata.counts)
    reasons = sorted(
        {reason for of_source in counts.values() for reason in of_source} - set(_FRAMES)
    )
    return Table(
        caption=(
            "Frames in, kept, and dropped by reason, as the builds counted them: once for each "
            "target"
        ),
        columns=("frames", *counts),
        rows=tuple(
            (title, *(of_source[name] for of_source in counts.values()))
            for name, title in (
                *((name, name.removeprefix("frames ")) for name in _FRAMES),
                *((name, f"dropped: {name}") for name in reasons),
            )
        ),
    )


def measures(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per crop with ``source``, ``side``, ``aspect`` and ``motion``.

    The rows are those of `manifests.together.with_manifest`.

    ``side`` is sqrt(w h) in image pixels, ``aspect`` w / h; ``motion`` is how far the target's
    centre moved since the track's previous crop, in target sides per frame, null at its first.
    """
    side = (pl.col("box_w") * pl.col("box_h")).sqrt()
    gap = _change_in_track(pl.col("frame"))
    shift_x = _change_in_track(pl.col("box_x") + pl.col("box_w") / 2)
    shift_y = _change_in_track(pl.col("box_y") + pl.col("box_h") / 2)
    return rows.select(
        "source",
        side.alias("side"),
        (pl.col("box_w") / pl.col("box_h")).alias("aspect"),
        ((shift_x**2 + shift_y**2).sqrt() / side / gap).alias("motion"),
    )


def _change_in_track(value: pl.Expr) -> pl.Expr:
    return value.diff().over(["manifest", "track"], order_by="frame")


def track_lengths(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per track with ``source`` and ``length``, its number of crops.

    Tracks of a single crop (COCO's) are returned only if there are no others.
    """
    lengths = rows.group_by("manifest", "source", "track").agg(pl.len().alias("length"))
    longer = lengths.filter(pl.col("length") > 1)
    return lengths if longer.is_empty() else longer


def quantile_table(values: pl.DataFrame, column: str, *, caption: str, digits: int) -> Table:
    """Return the quantiles of a column by source."""
    by_source = (
        values.group_by(pl.col("source").cast(pl.String))
        .agg(*(pl.col(column).quantile(q).alias(f"{q:.0%}") for q in QUANTILES))
        .sort("source")
    )
    return Table(
        caption=caption,
        columns=("source", *(f"{q:.0%}" for q in QUANTILES)),
        rows=tuple(by_source.iter_rows()),
        digits=(digits,) * len(QUANTILES),
    )


def numbers(values: pl.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column's values without nulls."""
    return values[column].drop_nulls().cast(pl.Float64).to_numpy()
