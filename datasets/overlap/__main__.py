r"""Find footage of a benchmark in training data, and write a page that shows it.

    python -m datasets.overlap --manifests data/shards/*/manifest.parquet \
        --against data/raw/OTB100 --out overlap.html

The page lists the training tracks with footage of a sequence, with pictures side by side, the
condition that leaves them out, and how many copies and false alarms the search finds on this very
benchmark. It needs about 1 KB of memory for each training crop and 3 KB for each frame.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from tqdm import tqdm

from commands.choices import Count, Natural, Seed, within
from commands.pages.page import write_page
from commands.places import keep_inputs
from commands.provenance import describe_run
from commands.run import run_command
from datasets.files.roots import open_root
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.overlap.footage import WINDOW_SCALES, all_crop_thumbs, read_footage
from datasets.overlap.hashes import Thumbs
from datasets.overlap.page import (
    found_section,
    leave_out,
    pair_pictures,
    rates_section,
    summarise,
    trainer_option,
)
from datasets.overlap.rates import measure_rates
from datasets.overlap.search import Limits, Matches, find_matches
from datasets.tracks import SourceError
from manifests.schema import ManifestError
from manifests.table import read_manifests
from manifests.together import require_crop, with_manifest

PROG = "python -m datasets.overlap"
_LOOKS = 2 * len(WINDOW_SCALES)
_OTHERS = 10_000
"""Number of training crops to hide copies among, for measuring hit rates."""


@dataclass(frozen=True, kw_only=True)
class OverlapConfig:
    """Find footage of a benchmark in training data, and write a page that shows it."""

    manifests: tuple[str, ...]
    """Path or URL of each training manifest."""
    against: str
    """Folder of the benchmark: any that evaluation.run takes."""
    out: str = "overlap.html"
    """Page to write."""
    where: str | None = None
    """SQL condition that selects training rows, such as "split = 'train'"."""
    keep: str | None = None
    """Folder for small pictures of the training crops, 1 KB each, for searches for other benchmarks
    without decoding the crops again; none by default."""
    every: Count = 1
    """Compare every N-th frame of the benchmark."""
    max_distance: Annotated[int, within(int, 0, 19)] = 11
    """Largest number of different bits, of 64, in the hashes of a pair; more finds worse copies,
    slower."""
    least_likeness: Annotated[float, within(float, -1, 1)] = 0.8
    """Smallest correlation, up to 1, of the pictures of a pair."""
    num_pictures: Natural = 12
    """Pairs shown side by side."""
    num_copies: Count = 100
    """Frames that are copied in each way, for measuring hit rates."""
    seed: Seed = 0
    """Seed of the choice of copied frames."""


def overlap(config: OverlapConfig) -> None:
    """Search, write the page, and print the condition that excludes the footage."""
    manifests = read_manifests(config.manifests, where=config.where, check_shards=False)
    crop = manifests[0].metadata.crop
    require_crop(manifests, crop, of=f"a search together with {manifests[0].url}")
    files = open_root(config.against, option="--against")
    inputs = [*(url for manifest in manifests for url in manifest.files()), config.against]
    keep_inputs(inputs, files=[config.out])
    keep_inputs(inputs, folders=[config.keep], option="--keep")
    tracks = read_benchmark(files)
    rows = with_manifest(manifests)
    with _bar(rows.height, "training crops") as bar:
        crops = all_crop_thumbs(
            manifests, where=config.where, keep=config.keep, progress=bar.update
        )
    num_frames = sum(-(-int(track.visible.sum()) // config.every) for track in tracks)
    with _bar(num_frames, "benchmark frames") as bar:
        footage = read_footage(files, tracks, crop, every=config.every, progress=bar.update)
    limits = Limits(max_distance=config.max_distance, least_likeness=config.least_likeness)
    with _bar(footage.track.size * _LOOKS, "comparisons") as bar:
        matches = find_matches(crops, footage, limits, progress=bar.update)
    rates = measure_rates(
        files,
        tracks,
        footage,
        _others(crops, matches, seed=config.seed),
        limits,
        num_copies=config.num_copies,
        seed=config.seed,
    )
    matching = summarise(rows, tracks, footage, matches)
    condition = leave_out(matching)
    pictures = pair_pictures(
        manifests, rows, files, tracks, footage, matches, count=config.num_pictures
    )
    compared = (
        f"{rows.height:,} training crops were compared with {footage.track.size:,} frames of "
        f"{len({track.name for track in tracks}):,} sequences"
    )
    sections = [
        found_section(matching, condition, tuple(pictures), compared=compared),
        rates_section(limits, rates),
    ]
    write_page(
        config.out,
        f"Footage of {config.against.rstrip('/').rpartition('/')[2]} in training data",
        sections,
        made_by=describe_run(PROG, config, manifests),
    )
    videos = matching.select("source", "video").unique().height
    print(f"{videos} training videos hold footage of {config.against}: {config.out}")
    if condition:
        print(f"leave them out with the trainer's {trainer_option(condition)}")


def _others(crops: Thumbs, matches: Matches, *, seed: int) -> Thumbs:
    """Return pictures of random training crops without a match."""
    unmatched = np.setdiff1d(np.arange(len(crops)), matches.row)
    rng = np.random.default_rng(seed)
    chosen: Thumbs = crops[rng.choice(unmatched, min(_OTHERS, unmatched.size), replace=False)]
    return chosen


def _bar(total: int, what: str) -> "tqdm[None]":
    return tqdm(total=total, desc=what, unit="", unit_scale=True, disable=None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        OverlapConfig,
        overlap,
        argv,
        prog=PROG,
        errors=(ManifestError, SourceError),
        after_ctrl_c="the same command starts anew, but for the pictures that --keep holds",
    )


if __name__ == "__main__":
    sys.exit(main())
