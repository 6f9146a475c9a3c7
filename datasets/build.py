"""Crop one raw dataset into shards and write its manifest.

    python -m datasets.build --src lasot
    python -m datasets.build --src vid --root /data/ILSVRC2015 --out /data/shards/vid --workers 8

The same command goes on after an interruption: shards that are whole are not made again.
"""

import dataclasses
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl
from tqdm import tqdm

from datasets.execute import run_tasks
from datasets.files import open_root
from datasets.filters import Filters, usable_frames
from datasets.plan import PAIR_BYTES, plan_shards
from datasets.shards import ShardResult, ShardTask, TrackPart, too_many_bad_images
from datasets.sources import SOURCES
from datasets.tracks import SourceError, Track
from manifests.cli import run_command
from manifests.schema import SCHEMA, ManifestError
from manifests.split import assign_splits
from manifests.table import Metadata, write_manifest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """Crop one raw dataset into shards and write its manifest."""

    src: Literal["coco", "lasot", "uav123", "vid"]
    """Which raw dataset."""
    root: str = ""
    """Folder of the raw dataset; data/raw/<src> if empty."""
    out: str = ""
    """Folder of the shards and the manifest; data/shards/<src> if empty."""
    workers: int = 1
    """Processes that cut shards."""
    seed: int = 0
    """Decides the split and the order of the videos."""
    val_fraction: float = 0.1
    """Share of the groups that becomes the val split."""
    margin: int = 0
    """Pixels of real context to keep around each crop, for augmentation."""
    shard_mb: float = 256.0
    """About how large a shard is."""
    quality: int = 92
    """JPEG quality of the crops."""
    max_bad_frames: int = 0
    """How many missing or unreadable images to leave out and count."""
    filters: Filters = field(default_factory=Filters)


def build(config: BuildConfig) -> None:
    """Read the raw tree, cut the shards, write the manifest, print what became of the frames.

    Raises:
        SourceError: The raw dataset is missing, damaged or has nothing to crop.
        ManifestError: The output was made with other settings.
    """
    config = dataclasses.replace(
        config,
        root=config.root or f"data/raw/{config.src}",
        out=config.out or f"data/shards/{config.src}",
    )
    counts: Counter[str] = Counter()
    parts, lost = _read_source(config, counts)
    tasks = _plan(config, parts)
    total = sum(part.indices.size for part in parts)
    with tqdm(total=total, unit="frame", desc=f"build {config.src}", smoothing=0.1) as bar:
        results = [*run_tasks(tasks, workers=config.workers, progress=bar.update)]
    bad_images = [message for result in results for message in result.bad_images]
    if len(bad_images) > config.max_bad_frames:
        raise too_many_bad_images(bad_images)
    for message in bad_images:
        logger.warning("left out: %s", message)
    _write(config, results, counts)
    _print_counts(config, results, counts, lost)


def _read_source(config: BuildConfig, counts: Counter[str]) -> tuple[list[TrackPart], list[str]]:
    """Read all annotations; count the frames in and those that they alone rule out."""
    parts, lost = [], []
    for track in _read_tracks(config):
        indices, dropped = usable_frames(track, config.filters)
        counts["frames in"] += len(track.frames)
        counts.update(dropped)
        if indices.size:
            parts.append(TrackPart(track=track, indices=indices))
        else:
            lost.append(track.name)
    if not parts:
        raise SourceError(
            f"{config.root}: no usable target in {counts['frames in']} frames of {config.src}. "
            "Check --root and --filters"
        )
    return parts, lost


def _read_tracks(config: BuildConfig) -> Iterator[Track]:
    files = open_root(config.root)
    source = SOURCES[config.src]
    names = source.list_parts(files)
    for name in tqdm(names, unit="part", desc=f"read {config.src}", leave=False):
        yield from source.read_part(files, name)


def _plan(config: BuildConfig, parts: Sequence[TrackPart]) -> list[ShardTask]:
    """Return one task a shard; a shard holds one split, so that training fetches no val data."""
    splits = assign_splits(
        {part.track.group for part in parts},
        source=config.src,
        seed=config.seed,
        val_fraction=config.val_fraction,
    )
    growth = ((255 + 2 * config.margin) / 255) ** 2
    pairs_per_shard = max(1, int(config.shard_mb * 1e6 / (PAIR_BYTES * growth)))
    tasks: list[ShardTask] = []
    for split in ("train", "val"):
        chosen = [part for part in parts if splits[part.track.group] == split]
        for videos in plan_shards(chosen, seed=config.seed, pairs_per_shard=pairs_per_shard):
            tasks.append(_task(config, f"{config.src}-{len(tasks):06d}.tar", split, videos))
    return tasks


def _task(
    config: BuildConfig, name: str, split: str, videos: tuple[tuple[TrackPart, ...], ...]
) -> ShardTask:
    return ShardTask(
        root=config.root,
        out=config.out,
        name=name,
        source=config.src,
        split=split,
        parts=videos,
        filters=config.filters,
        margin=config.margin,
        quality=config.quality,
        max_bad_frames=config.max_bad_frames,
    )


def _write(config: BuildConfig, results: Sequence[ShardResult], counts: Counter[str]) -> None:
    for result in results:
        counts.update(result.dropped)
        counts["frames kept"] += result.info.num_rows
    if not counts["frames kept"]:
        raise SourceError(f"{config.root}: every frame was dropped: {dict(counts)}")
    settings = dataclasses.asdict(config)
    for name in ("workers", "out", "root"):  # they do not change what is in the shards
        del settings[name]
    metadata = Metadata(
        source=config.src,
        margin=config.margin,
        settings=settings,
        counts=dict(sorted(counts.items())),
        shards=tuple(result.info for result in results),
    )
    rows = pl.concat([result.rows for result in results]).select(SCHEMA.names())
    write_manifest(f"{config.out}/manifest.parquet", rows, metadata)


def _print_counts(
    config: BuildConfig, results: Sequence[ShardResult], counts: Counter[str], lost: list[str]
) -> None:
    reasons = sorted(set(counts) - {"frames in", "frames kept"}, key=lambda name: -counts[name])
    lines = [("frames in", counts["frames in"]), ("frames kept", counts["frames kept"])]
    lines += [(f"dropped: {reason}", counts[reason]) for reason in reasons]
    for label, number in lines:
        print(f"{label:<36}{number:>12,}")
    if lost:
        shown = ", ".join(lost[:5]) + (", ..." if len(lost) > 5 else "")
        print(f"tracks without a usable frame: {len(lost)} ({shown})")
    size = sum(result.info.num_bytes for result in results) / 1e6
    print(f"{len(results)} shards, {size:,.1f} MB: {Path(config.out) / 'manifest.parquet'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    prog = "python -m datasets.build"
    return run_command(BuildConfig, build, argv, prog=prog, errors=(SourceError, ManifestError))


if __name__ == "__main__":
    sys.exit(main())
