"""Results of the search for a benchmark's footage: tables, pictures and a condition."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from commands.pages.page import Picture, Section, Table
from datasets.files.folders import RawFiles
from datasets.images import Image, decode_image, encode_png
from datasets.overlap.footage import Footage, target_window
from datasets.overlap.rates import Rates
from datasets.overlap.search import Limits, Matches
from datasets.read_crop import read_jpeg
from datasets.tracks import Track
from manifests.table import Manifest


def summarise(
    rows: pl.DataFrame, tracks: Sequence[Track], footage: Footage, matches: Matches
) -> pl.DataFrame:
    """Return one row per matching training track and sequence, the most certain first."""
    names = ["manifest", "source", "video", "track"]
    pairs = rows.with_columns(pl.len().over("manifest", "track").alias("crops"))[
        matches.row.tolist()
    ].select(
        "manifest",
        pl.col("source", "video", "track").cast(pl.String),
        "crops",
        "frame",
        pl.Series("place", footage.frame[matches.item]),
        pl.Series("sequence", [tracks[t].name for t in footage.track[matches.item]], pl.String),
        pl.Series(
            "image", [_image_name(tracks, footage, item) for item in matches.item], pl.String
        ),
        pl.Series("likeness", matches.likeness),
    )
    matching: pl.DataFrame = (
        pairs.group_by(*names, "sequence")
        .agg(
            pl.col("frame").n_unique().alias("alike"),
            pl.col("crops").first(),
            _span("frame", by="frame"),
            pl.col("image").n_unique(),
            _span("image", by="place"),
            pl.col("likeness").max(),
        )
        .sort("alike", "likeness", *names, descending=[True, True, *(False for _ in names)])
        .drop("manifest")
    )
    return matching


def _span(column: str, *, by: str) -> pl.Expr:
    """Return the first and last value of a column, as text."""
    ordered = pl.col(column).sort_by(by)
    return pl.format("{} to {}", ordered.first(), ordered.last()).alias(f"{column}s")


def _image_name(tracks: Sequence[Track], footage: Footage, item: int) -> str:
    """Return the file name of a frame: numbers of images do not always begin with 1."""
    path: str = tracks[footage.track[item]].frames[footage.frame[item]]
    return path.rpartition("/")[2]


def leave_out(matching: pl.DataFrame) -> str:
    """Return the SQL condition that excludes the matching videos; empty if there are none."""
    conditions = []
    for (source,), part in matching.sort("source").group_by("source", maintain_order=True):
        videos = ", ".join(_quoted(video) for video in sorted(set(part["video"])))
        conditions.append(f"NOT (source = {_quoted(str(source))} AND video IN ({videos}))")
    return " AND ".join(conditions)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def trainer_option(condition: str) -> str:
    """Return the trainer's option with a condition, quoted for a shell.

    Double quotes, because SQL has single ones.
    """
    return '--data.where "' + re.sub(r'(["\\$`])', r"\\\1", condition) + '"'


def found_section(
    matching: pl.DataFrame, condition: str, pictures: tuple[Picture, ...], *, compared: str
) -> Section:
    """Return the section of matches: a warning, the option that excludes them, pictures, a table.

    Args:
        matching: Result of `summarise`.
        condition: Result of `leave_out`.
        pictures: Pairs side by side.
        compared: Description of the comparison.
    """
    if matching.is_empty():
        return Section(
            title="What was found",
            text=f"{compared}. No crop shows what one of the frames shows.",
        )
    return Section(
        title="What was found",
        warnings=(
            f"{matching.select('source', 'track').n_unique()} training tracks show footage of "
            f"{matching['sequence'].n_unique()} sequences. Results on these are not to be trusted, "
            "unless the network is trained with the option below.",
        ),
        text=(
            f"{compared}. The option leaves out the videos found, whole; with a condition of your "
            "own, join both with AND. Pictures: left a training crop, right what surrounds the "
            "target in the benchmark, the most alike pair of each track and sequence. Likeness is "
            "the correlation of the two in grey, 1 for the same."
        ),
        code=trainer_option(condition),
        pictures=pictures,
        tables=(
            Table(
                caption=(
                    "Training tracks, the sequences that they resemble, and which frames and "
                    "images are alike"
                ),
                columns=(
                    *("source", "track", "sequence", "crops alike", "of", "frames"),
                    *("images alike", "images", "likeness"),
                ),
                rows=tuple(matching.drop("video").iter_rows()),
                folded=matching.height > 30,
            ),
        ),
    )


def rates_section(limits: Limits, rates: Rates) -> Section:
    """Return the section of hit rates and false alarm rates on known footage."""
    copies = Table(
        caption=f"Hit rates: copies found among {rates.num_others:,} other crops",
        columns=("copy", "found", "of", "share"),
        rows=tuple(
            (name, hits, rates.num_copies, hits / rates.num_copies)
            for name, hits in rates.hits.items()
        ),
    )
    tables = [copies]
    text = (
        f"Measured on this benchmark, with hashes that differ in at most {limits.max_distance} of "
        f"64 bits and a likeness of at least {limits.least_likeness}. {rates.num_copies} of its "
        "frames, compared or skipped by `--every`, were copied in each way, cropped as a build "
        f"crops, and hidden among {rates.num_others:,} of these training crops. A track is found "
        "if any of its crops is. Footage whose annotated target is another one is not found: only "
        "what surrounds the targets is compared."
    )
    if rates.num_crops:
        text += (
            f" For false alarms, {rates.num_crops:,} crops of the benchmark's own frames were "
            "looked up among its other recordings, which share nothing with them unless the "
            "benchmark itself shows a scene twice."
        )
        counts = {
            "crops": (rates.false_crops, rates.num_crops),
            "recordings with such a crop": (rates.false_recordings, rates.num_recordings),
        }
        alarms = Table(
            caption="False alarm rates: other footage that is taken for the same",
            columns=("other footage", "alarms", "of", "share"),
            rows=tuple((name, some, total, some / total) for name, (some, total) in counts.items()),
        )
        tables.append(alarms)
    else:
        text += " False alarms need a benchmark of more than one recording: not measured."
    return Section(title="How far to trust this", text=text, tables=tuple(tables))


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
    """Yield the most similar pair of each training track and sequence, side by side."""
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
        margin = manifest.metadata.crop.margin
        inner = slice(margin, margin + footage.crop.search)
        window = target_window(files, track, frame, footage.crop)
        text = (
            f"{row['source']} {row['track']} frame {row['frame']}, and {track.name} image "
            f"{_image_name(tracks, footage, item)}: likeness {matches.likeness[pair]:.3f}"
        )
        both = encode_png(_side_by_side(crop[inner, inner], window))
        yield Picture(figure=both, alt=text, caption=text)


def _side_by_side(left: Image, right: Image) -> Image:
    gap = np.full((left.shape[0], 4, 3), 255, np.uint8)
    return np.hstack([left, gap, right])
