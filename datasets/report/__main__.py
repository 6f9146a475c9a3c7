"""Write a self-contained page of numbers, pictures and warnings about builds.

    python -m datasets.report --manifests data/shards/lasot/manifest.parquet
    python -m datasets.report --manifests data/shards/*/manifest.parquet --out report.html
    python -m datasets.report --manifests M --where "category = 'dog'" --out dogs.png
    python -m datasets.report --manifests M --serve

An --out that ends in .png is only the picture of random crops.
"""

import posixpath
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import polars as pl
from tqdm import tqdm

from commands.choices import Count, Natural, Seed, within
from commands.files import write_whole
from commands.pages.charts import histogram
from commands.pages.page import Picture, Section, write_page
from commands.places import keep_inputs
from commands.provenance import describe_run
from commands.run import run_command
from datasets.images import encode_png
from datasets.report.choose_crops import (
    choose_blurred,
    choose_extremes,
    choose_random,
    choose_tracks,
)
from datasets.report.contact_sheet import contact_sheet, crop_strip, crop_tile
from datasets.report.mistimed import mistimed_boxes
from datasets.report.problems import find_problems
from datasets.report.serve.server import CropServer
from datasets.report.summary import (
    count_tables,
    dropped_table,
    measures,
    numbers,
    quantile_table,
    track_lengths,
)
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifests
from manifests.together import with_manifest

PROG = "python -m datasets.report"
_STRIP_FRAMES = 10
_SHEET_PX = 255
_TILE_PX = 160


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """Write a page of numbers, pictures and warnings about builds."""

    manifests: tuple[str, ...]
    """Path or URL of each manifest."""
    out: str | None = None
    """Page to write, or only the picture of random crops if it ends in .png; by default both, as
    report.html and crops.png, beside the first manifest."""
    where: str | None = None
    """SQL condition that selects rows, such as "category = 'dog'"."""
    num_crops: Count = 24
    """Crops in each picture."""
    num_tracks: Natural = 6
    """Tracks shown as strips."""
    blur_candidates: Count = 400
    """Number of random crops among which the most blurred are searched."""
    seed: Seed = 0
    """Seed of the choice of crops."""
    serve: bool = False
    """Write nothing, but let a browser on this machine go through all crops, tracks and pairs."""
    port: Annotated[int, within(int, 0, 65535)] = 0
    """Port of --serve on 127.0.0.1; 0 for any that is free."""

    def __post_init__(self) -> None:
        """Reject a page that is both written and served."""
        if self.serve and self.out:
            raise ValueError(f"--serve --out {self.out}: writes nothing. Leave out one of them")


def report(config: ReportConfig) -> None:
    """Write the page, the picture or both, and print their paths; or serve the crops."""
    manifests = read_manifests(config.manifests, where=config.where)
    if config.serve:
        serve(manifests, port=config.port)
        return
    rows = with_manifest(manifests)
    beside = posixpath.dirname(config.manifests[0])
    page = config.out or posixpath.join(beside, "report.html")
    picture = config.out or posixpath.join(beside, "crops.png")
    keep_inputs([url for manifest in manifests for url in manifest.files()], files=[page, picture])
    shown = choose_random(rows, config.num_crops, seed=config.seed)
    if picture.endswith(".png"):
        sheet = contact_sheet(manifests, shown, tile_px=_SHEET_PX)
        write_whole(picture, encode_png(sheet))
        print(f"{shown.height} of {rows.height:,} crop pairs: {picture}")
    if not page.endswith(".png"):
        sections = list(_sections(config, manifests, rows, shown))
        made_by = describe_run(PROG, config, manifests)
        sources = ", ".join(sorted({manifest.metadata.source for manifest in manifests}))
        write_page(page, f"Crops of {sources}", sections, made_by=made_by)
        print(f"{rows.height:,} crop pairs of {len(manifests)} manifests: {page}")


def serve(manifests: Sequence[Manifest], *, port: int) -> None:
    """Print the address of the crops' server and serve until Ctrl-C."""
    with CropServer(manifests, port=port) as server:
        print(f"{len(server.collection):,} crop pairs: {server.url}", flush=True)
        print("Only this machine can open the address. Ctrl-C ends the server.", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _sections(
    config: ReportConfig, manifests: Sequence[Manifest], rows: pl.DataFrame, shown: pl.DataFrame
) -> Iterator[Section]:
    problems = [*find_problems(manifests), *mistimed_boxes(manifests)]
    tracks = rows.select("manifest", "track").n_unique()
    selected = f" where {config.where}" if config.where else ""
    crops = "; ".join(sorted({str(manifest.metadata.crop) for manifest in manifests}))
    yield Section(
        title="What is there",
        warnings=tuple(problems),
        text=f"{rows.height:,} crop pairs of {tracks:,} tracks{selected}: {crops}. "
        + ("" if problems else "No problem was found in splits, videos and sizes. ")
        + "Whether a benchmark's footage hides under other names is what "
        "`python -m datasets.overlap` finds out.",
        tables=(*count_tables(rows), dropped_table(manifests)),
    )
    yield _distributions(rows)
    yield from _crops(config, manifests, rows, shown)
    strips = choose_tracks(rows, config.num_tracks, num_frames=_STRIP_FRAMES, seed=config.seed)
    yield Section(
        title="Tracks from first to last crop",
        pictures=tuple(
            Picture(
                figure=encode_png(crop_strip(manifests, strip, tile_px=_TILE_PX)),
                alt=f"Track {strip['track'][0]}: {strip.height} crops in the order of their frames",
                caption=(
                    f"{strip['source'][0]} / {strip['category'][0]} / {strip['track'][0]}, "
                    f"frames {strip['frame'][0]} to {strip['frame'][-1]}"
                ),
                wide=True,
            )
            for strip in strips
        ),
    )


def _distributions(rows: pl.DataFrame) -> Section:
    values, lengths = measures(rows), track_lengths(rows)
    charts = (
        (values, "side", "target size, sqrt(w h), px", 0),
        (values, "aspect", "aspect, w / h", 2),
        (values, "motion", "motion, target sides per frame", 3),
        (lengths, "length", "crops in a track, single ones left out", 0),
    )
    return Section(
        title="How targets look and move",
        text="Heights count crops, in the last chart tracks; horizontal axes are logarithmic. "
        "Sizes are in pixels of the frame. Motion is how far the target moved since the track's "
        "previous crop, per frame between them, as a share of its side sqrt(w h).",
        pictures=tuple(
            histogram(numbers(table, column), label=label) for table, column, label, _ in charts
        ),
        tables=tuple(
            quantile_table(table, column, caption=f"Quantiles of {label}", digits=digits)
            for table, column, label, digits in charts
        ),
    )


def _crops(
    config: ReportConfig, manifests: Sequence[Manifest], rows: pl.DataFrame, shown: pl.DataFrame
) -> Iterator[Section]:
    with tqdm(total=min(config.blur_candidates, rows.height), unit="crop", disable=None) as bar:
        blurred = choose_blurred(
            rows,
            manifests,
            config.num_crops,
            candidates=config.blur_candidates,
            seed=config.seed,
            progress=bar.update,
        )
    chosen = {
        "Random crops": shown,
        **choose_extremes(rows, config.num_crops),
        "Most blurred": blurred,
    }
    texts = {
        "Random crops": "Search crops with the target's box; the template is in the corner. Below: "
        "category, track, frame number, size in the frame.",
        "Most blurred": f"The blurriest of {min(config.blur_candidates, rows.height)} random "
        "crops, at most one of each track.",
    }
    for title, part in chosen.items():
        tiles = tuple(_tile(manifests, row) for row in part.iter_rows(named=True))
        yield Section(title=title, text=texts.get(title, "At most one of each track."), tiles=tiles)


def _tile(manifests: Sequence[Manifest], row: dict[str, Any]) -> Picture:
    size = f"{row['box_w']:.0f} x {row['box_h']:.0f} px"
    category = row["category"] or "no category"
    return Picture(
        figure=encode_png(crop_tile(manifests[row["manifest"]], row, tile_px=_TILE_PX)),
        alt=f"{row['source']} {category}, {size} in the frame, with its box and its template",
        caption=f"{category}; {row['source']} {row['track']}, frame {row['frame']}; {size}",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(ReportConfig, report, argv, prog=PROG, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
