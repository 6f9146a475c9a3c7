"""Problems in the data that make results unreliable, found in the manifests before training."""

from collections.abc import Sequence

import polars as pl

from datasets.outside import outside_problem
from datasets.report.misread import misread_boxes
from datasets.sources.lasot import training_videos
from manifests.table import Manifest

RESPONSE_STRIDE_PX = 6
"""Pixels of the search crop between two cells of the network's response."""
SMALLEST_SIDE_PX = 8
"""Smaller targets are enlarged more than eight times and show little."""
_NUM_SHOWN = 3


def find_problems(manifests: Sequence[Manifest]) -> list[str]:
    """Return one line per problem, with its effect and the remedy.

    Checked are groups in both splits, a source without one of the splits, sequences of benchmarks
    among the crops, targets too small to be seen or outside of their frames, and boxes that look
    misread or copied.
    """
    columns = ["source", "group", "video", "split", "box_w", "box_h", "scale"]
    rows = pl.concat([manifest.rows.select(columns) for manifest in manifests])
    problems = [
        *_shared_groups(rows),
        *_missing_splits(rows),
        *_benchmark_videos(rows),
        *_outside_targets(manifests),
        *misread_boxes(manifests),
        *_invisible_targets(rows),
    ]
    if sum("--data.where" in problem for problem in problems) > 1:
        problems[-1] += "; a run takes one condition: join several with AND"
    return problems


def _shared_groups(rows: pl.DataFrame) -> list[str]:
    shared = (
        rows.group_by("source", "group")
        .agg(pl.col("split").n_unique())
        .filter(pl.col("split") > 1)
        .cast({"source": pl.String, "group": pl.String})
        .sort("source", "group")
    )
    return [
        f"{source}: {part.height} groups are in train and in val ({_some(part['group'])}), so the "
        "validation loss measures memory. Use one manifest for each source, or builds with the "
        "same `--seed` and `--val-fraction`"
        for (source,), part in shared.group_by("source", maintain_order=True)
    ]


def _missing_splits(rows: pl.DataFrame) -> list[str]:
    by_source = rows.group_by(pl.col("source").cast(pl.String)).agg(
        pl.col("split").cast(pl.String).unique(), pl.col("group").n_unique()
    )
    return [
        f"{source}: no crop is in split {split!r}. "
        + (
            "Its crops are of one group, which no split may tear: build it from more videos"
            if num_groups == 1
            else "Build it with another `--val-fraction`"
        )
        + ", or check the condition that selects the rows"
        for source, splits, num_groups in by_source.sort("source").iter_rows()
        for split in ("train", "val")
        if split not in splits
    ]


def _benchmark_videos(rows: pl.DataFrame) -> list[str]:
    names = rows.select(pl.col("source", "video").cast(pl.String)).unique().sort("video")
    videos = names.filter(pl.col("source") == "uav123")["video"]
    problems = []
    if len(videos):
        problems.append(
            f"uav123: its {len(videos)} videos are sequences of the benchmarks UAV123 and UAV20L "
            f"({_some(videos)}). Report no numbers on these, or train with "
            "`--data.where \"source != 'uav123'\"`"
        )
    training = training_videos()
    official = {f"{category}-{number}" for category in training for number in range(1, 21)}
    testing = official.difference(*training.values())
    tested = sorted(testing & set(names.filter(pl.col("source") == "lasot")["video"]))
    if tested:
        problems.append(
            f"lasot: {len(tested)} videos are of LaSOT's test split ({_some(tested)}). Build the "
            "training split again, or report no numbers on LaSOT"
        )
    return problems


def _invisible_targets(rows: pl.DataFrame) -> list[str]:
    thin = pl.min_horizontal("box_w", "box_h") * pl.col("scale") < RESPONSE_STRIDE_PX
    small = pl.col("box_w") * pl.col("box_h") < SMALLEST_SIDE_PX**2
    conditions = (
        (
            thin,
            f"are thinner than {RESPONSE_STRIDE_PX} px in the crop, less than a cell of the "
            "response",
            f"LEAST(box_w, box_h) * scale >= {RESPONSE_STRIDE_PX}",
        ),
        (
            small,
            f"are smaller than {SMALLEST_SIDE_PX} px in the image and mostly blur in the crop",
            f"box_w * box_h >= {SMALLEST_SIDE_PX**2}",
        ),
    )
    return [
        f'{counts} {what}. Train with `--data.where "{condition}"`'
        for matches, what, condition in conditions
        if (counts := _counts(rows, matches))
    ]


def _outside_targets(manifests: Sequence[Manifest]) -> list[str]:
    return [
        f"{manifest.metadata.source}: {problem}"
        for manifest in manifests
        if (problem := outside_problem(manifest.metadata.counts, manifest.rows))
    ]


def _counts(rows: pl.DataFrame, matches: pl.Expr) -> str:
    """Return the numbers of matching targets per source as text; empty if there are none."""
    counted = (
        rows.group_by(pl.col("source").cast(pl.String))
        .agg(matches.sum().alias("some"), pl.len())
        .filter(pl.col("some") > 0)
        .sort("source")
    )
    parts = [f"{source}: {some:,} of {every:,}" for source, some, every in counted.iter_rows()]
    return f"{', '.join(parts)} targets" if parts else ""


def _some(names: Sequence[str] | pl.Series) -> str:
    """Return the first few names and the number of the others."""
    shown = ", ".join(names[:_NUM_SHOWN])
    return shown if len(names) <= _NUM_SHOWN else f"{shown}, and {len(names) - _NUM_SHOWN} more"
