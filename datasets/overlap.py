r"""Find footage of a benchmark in training data, and write a page that shows it.

    python -m datasets.overlap --manifests data/shards/*/manifest.parquet \
        --against data/raw/OTB100 --out overlap.html

The page lists the training tracks that show what a sequence shows, with pictures side by side, the
condition that leaves them out, and how many copies and false alarms the search finds on this very
benchmark. It needs about 1 KB of memory for each training crop and 3 KB for each frame.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from tqdm import tqdm

from datasets.benchmark_folders import read_benchmark
from datasets.contact_sheet import encode_png
from datasets.crops import Image, decode_image
from datasets.files import RawFiles, open_root
from datasets.overlap_rates import Rates, measure_rates
from datasets.overlap_search import (
    WINDOW_SCALES,
    Footage,
    Limits,
    Matches,
    crop_thumbs,
    find_matches,
    read_footage,
    target_windows,
)
from datasets.showcase import with_manifest
from datasets.stored import read_jpeg
from datasets.tracks import SourceError, Track
from manifests.cli import run_command
from manifests.page import Picture, Section, Table, write_page
from manifests.provenance import describe_run
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest

PROG = "python -m datasets.overlap"
_LOOKS = 2 * len(WINDOW_SCALES)


@dataclass(frozen=True, kw_only=True)
class OverlapConfig:
    """Find footage of a benchmark in training data, and write a page that shows it."""

    manifests: tuple[str, ...]
    """Path or URL of each training manifest."""
    against: str
    """Folder of the benchmark: OTB's, LaSOT's, VOT's or UAV123's layout."""
    out: str = "overlap.html"
    """Page to write."""
    where: str | None = None
    """SQL condition that selects training rows, such as "split = 'train'"."""
    every: int = 1
    """Compare every so many frames of the benchmark."""
    max_distance: int = 11
    """Bits of 64 in which the hashes of a pair may differ; more finds worse copies, slower."""
    least_likeness: float = 0.8
    """Correlation, up to 1, that the pictures of a pair need."""
    num_pictures: int = 12
    """Pairs shown side by side."""
    num_copies: int = 100
    """Frames that are copied badly in each way to measure the share of copies found."""
    seed: int = 0
    """Decides which frames are copied."""


def overlap(config: OverlapConfig) -> None:
    """Search, write the page, and print the condition that leaves the footage out."""
    manifests = [
        read_manifest(url, where=config.where, check_shards=False) for url in config.manifests
    ]
    files = open_root(config.against)
    tracks = read_benchmark(files)
    rows = with_manifest(manifests)
    with _bar(rows.height, "training crops") as bar:
        crops = np.concatenate(
            [crop_thumbs(each, each.rows, progress=bar.update) for each in manifests]
        )
    num_frames = sum(-(-int(track.visible.sum()) // config.every) for track in tracks)
    with _bar(num_frames, "benchmark frames") as bar:
        footage = read_footage(files, tracks, every=config.every, progress=bar.update)
    limits = Limits(max_distance=config.max_distance, least_likeness=config.least_likeness)
    with _bar(footage.track.size * _LOOKS, "comparisons") as bar:
        matches = find_matches(crops, footage, limits, progress=bar.update)
    rates = measure_rates(
        files, tracks, footage, limits, num_copies=config.num_copies, seed=config.seed
    )
    found = summarise(rows, tracks, footage, matches)
    condition = leave_out(found)
    pictures = _pictures(config, manifests, rows, files, tracks, footage, matches)
    sections = [_found_section(found, condition, tuple(pictures)), _rates_section(config, rates)]
    write_page(
        config.out,
        f"Footage of {config.against.rstrip('/').rpartition('/')[2]} in training data",
        sections,
        made_by=describe_run(PROG, config, manifests),
    )
    videos = found.select("source", "video").unique().height
    print(f"{videos} training videos hold footage of {config.against}: {config.out}")
    if condition:
        print(f"leave them out with --where {condition!r}")


def summarise(
    rows: pl.DataFrame, tracks: Sequence[Track], footage: Footage, matches: Matches
) -> pl.DataFrame:
    """Return one row for each training track and sequence that match, the surest first."""
    names = ["source", "video", "track"]
    pairs = rows[matches.row.tolist()].select(
        pl.col(names).cast(pl.String), pl.Series("crop", matches.row)
    )
    found: pl.DataFrame = (
        pairs.with_columns(
            pl.Series("sequence", [tracks[t].name for t in footage.track[matches.item]], pl.String),
            pl.Series("frame", footage.frame[matches.item]),
            pl.Series("likeness", matches.likeness),
        )
        .group_by(*names, "sequence")
        .agg(pl.col("crop").n_unique(), pl.col("frame").n_unique(), pl.col("likeness").max())
        .sort("crop", "likeness", *names, descending=[True, True, False, False, False])
    )
    return found


def leave_out(found: pl.DataFrame) -> str:
    """Return the SQL condition that leaves out the videos found; empty if there are none."""
    conditions = []
    for (source,), part in found.sort("source").group_by("source", maintain_order=True):
        videos = ", ".join(_quoted(video) for video in sorted(set(part["video"])))
        conditions.append(f"NOT (source = {_quoted(str(source))} AND video IN ({videos}))")
    return " AND ".join(conditions)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _found_section(found: pl.DataFrame, condition: str, pictures: tuple[Picture, ...]) -> Section:
    if found.is_empty():
        return Section(title="What was found", text="No training crop shows what a sequence shows.")
    return Section(
        title="What was found",
        warnings=(
            f"{found['track'].n_unique()} training tracks show footage of "
            f"{found['sequence'].n_unique()} sequences. Results on these are not to be trusted: "
            "train with the condition below.",
        ),
        code=condition,
        pictures=pictures,
        tables=(
            Table(
                caption="Training tracks and the sequences that they resemble",
                columns=(
                    *("source", "video", "track", "sequence"),
                    *("crops alike", "frames alike", "highest likeness"),
                ),
                rows=tuple(found.iter_rows()),
                digits=(0, 0, 0, 0, 0, 3),
                folded=found.height > 30,
            ),
        ),
    )


def _rates_section(config: OverlapConfig, rates: Rates) -> Section:
    return Section(
        title="How far to trust this",
        text=(
            f"Measured on this benchmark: {rates.num_copies} of its frames were copied in each "
            "way, cropped as a build crops, and looked up. A false alarm is a frame that matches "
            f"another sequence; {rates.num_frames} were looked up. A track is found if any of its "
            "crops is. Footage whose annotated target is another one is not found: only what "
            "surrounds the targets is compared."
        ),
        tables=(
            Table(
                caption=(
                    f"At most {config.max_distance} of 64 bits and a likeness of at least "
                    f"{config.least_likeness}"
                ),
                columns=("copy", "share found"),
                rows=(
                    *rates.hits.items(),
                    ("false alarms", rates.false_alarms if rates.num_frames else None),
                ),
            ),
        ),
    )


def _pictures(
    config: OverlapConfig,
    manifests: Sequence[Manifest],
    rows: pl.DataFrame,
    files: RawFiles,
    tracks: Sequence[Track],
    footage: Footage,
    matches: Matches,
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
        if len(seen) == config.num_pictures:
            return
        seen.add(key)
        manifest = manifests[row["manifest"]]
        crop = decode_image(read_jpeg(manifest.url, row, "x"))
        margin = manifest.metadata.margin
        crop = crop[margin : crop.shape[0] - margin, margin : crop.shape[1] - margin]
        window = target_windows(files, track, frame, size=crop.shape[0])[len(WINDOW_SCALES) // 2]
        text = (
            f"{row['source']} {row['track']} frame {row['frame']}, and {track.name} image "
            f"{frame + 1}: likeness {matches.likeness[pair]:.3f}"
        )
        yield Picture(figure=encode_png(_side_by_side(crop, window)), alt=text, caption=text)


def _side_by_side(left: Image, right: Image) -> Image:
    gap = np.full((left.shape[0], 4, 3), 255, np.uint8)
    return np.hstack([left, gap, right])


def _bar(total: int, what: str) -> "tqdm[None]":
    return tqdm(total=total, desc=what, unit="", unit_scale=True, disable=None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    errors = (ManifestError, SourceError)
    return run_command(OverlapConfig, overlap, argv, prog=PROG, errors=errors)


if __name__ == "__main__":
    sys.exit(main())
