"""What the search for a benchmark's footage found, as tables, pictures and a condition."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from datasets.contact_sheet import encode_png
from datasets.crops import Image, decode_image
from datasets.files import RawFiles
from datasets.overlap_footage import Footage, target_window
from datasets.overlap_rates import Rates
from datasets.overlap_search import Limits, Matches
from datasets.stored import read_jpeg
from datasets.tracks import Track
from manifests.page import Picture, Section, Table
from manifests.table import Manifest


def summarise(
    rows: pl.DataFrame, tracks: Sequence[Track], footage: Footage, matches: Matches
) -> pl.DataFrame:
    """Return one row for each training track and sequence that match, the surest first."""
    names = ["source", "video", "track"]
    pairs = rows[matches.row.tolist()].select(
        pl.col(names).cast(pl.String), pl.Series("crop", matches.row), "frame"
    )
    found: pl.DataFrame = (
        pairs.with_columns(
            pl.Series("sequence", [tracks[t].name for t in footage.track[matches.item]], pl.String),
            pl.Series("image", footage.frame[matches.item] + 1),
            pl.Series("likeness", matches.likeness),
        )
        .group_by(*names, "sequence")
        .agg(
            pl.col("crop").n_unique(),
            _span("frame"),
            pl.col("image").n_unique(),
            _span("image"),
            pl.col("likeness").max(),
        )
        .sort("crop", "likeness", *names, descending=[True, True, False, False, False])
    )
    return found


def _span(column: str) -> pl.Expr:
    """Return from where to where the values of a column reach, as text."""
    value = pl.col(column)
    return pl.format("{}-{}", value.min(), value.max()).alias(f"{column}s")


def leave_out(found: pl.DataFrame) -> str:
    """Return the SQL condition that leaves out the videos found; empty if there are none."""
    conditions = []
    for (source,), part in found.sort("source").group_by("source", maintain_order=True):
        videos = ", ".join(_quoted(video) for video in sorted(set(part["video"])))
        conditions.append(f"NOT (source = {_quoted(str(source))} AND video IN ({videos}))")
    return " AND ".join(conditions)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def found_section(found: pl.DataFrame, condition: str, pictures: tuple[Picture, ...]) -> Section:
    """Return what was found: a warning, the condition that leaves it out, pictures, a table."""
    if found.is_empty():
        return Section(title="What was found", text="No training crop shows what a sequence shows.")
    return Section(
        title="What was found",
        warnings=(
            f"{found.select('source', 'track').n_unique()} training tracks show footage of "
            f"{found['sequence'].n_unique()} sequences. Results on these are not to be trusted: "
            "train with the condition below, --data.where.",
        ),
        code=condition,
        pictures=pictures,
        tables=(
            Table(
                caption=(
                    "Training tracks with their frame numbers, and the sequences that they "
                    "resemble with the numbers of their images"
                ),
                columns=(
                    *("source", "track", "sequence", "crops alike", "frames"),
                    *("images alike", "images", "likeness"),
                ),
                rows=tuple(found.drop("video").iter_rows()),
                digits=(0, 0, 0, 0, 0, 0, 3),
                folded=found.height > 30,
            ),
        ),
    )


def rates_section(limits: Limits, rates: Rates) -> Section:
    """Return how many copies and how many false alarms the search finds on known footage."""
    copies = Table(
        caption=(
            f"Copies found, at {limits.max_distance} of 64 bits and a likeness of "
            f"{limits.least_likeness}"
        ),
        columns=("copy", "share found"),
        rows=tuple(rates.hits.items()),
    )
    alarms = Table(
        caption="False alarms",
        columns=("of other footage", "share that matches", "looked up"),
        rows=(
            ("crops", rates.false_crops, rates.num_crops),
            ("recordings, any crop", rates.false_recordings, rates.num_recordings),
        ),
    )
    text = (
        f"Measured on this benchmark: {rates.num_copies} of its frames were copied in each way, "
        f"cropped as a build crops, and hidden among {rates.num_others:,} of these training crops. "
        "A track is found if any of its crops is. Footage whose annotated target is another one "
        "is not found: only what surrounds the targets is compared."
    )
    if rates.num_crops:
        text += (
            f" A false alarm is a match with another recording: {rates.num_crops:,} crops of "
            "the benchmark's own frames were looked up among the other recordings."
        )
    return Section(
        title="How far to trust this",
        text=text,
        tables=(copies, alarms) if rates.num_crops else (copies,),
    )


def pair_pictures(
    manifests: Sequence[Manifest],
    rows: pl.DataFrame,
    files: RawFiles,
    tracks: Sequence[Track],
    footage: Footage,
    matches: Matches,
    *,
    count: int,
) -> Iterator[Picture]:
    """Yield the most alike pair of each training track and sequence, side by side."""
    seen: set[tuple[str, str, str]] = set()
    for pair in np.argsort(-matches.likeness, kind="stable"):
        row = rows.row(int(matches.row[pair]), named=True)
        item = matches.item[pair]
        track, frame = tracks[footage.track[item]], int(footage.frame[item])
        key = (row["source"], row["track"], track.name)
        if key in seen:
            continue
        if len(seen) == count:
            return
        seen.add(key)
        manifest = manifests[row["manifest"]]
        crop = decode_image(read_jpeg(manifest.url, row, "x"))
        margin = manifest.metadata.margin
        crop = crop[margin : crop.shape[0] - margin, margin : crop.shape[1] - margin]
        window = target_window(files, track, frame, size=crop.shape[0])
        text = (
            f"{row['source']} {row['track']} frame {row['frame']}, and {track.name} image "
            f"{frame + 1}: likeness {matches.likeness[pair]:.3f}"
        )
        yield Picture(figure=encode_png(_side_by_side(crop, window)), alt=text, caption=text)


def _side_by_side(left: Image, right: Image) -> Image:
    gap = np.full((left.shape[0], 4, 3), 255, np.uint8)
    return np.hstack([left, gap, right])
