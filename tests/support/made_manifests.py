"""Manifests of made-up tracks in memory, without shards."""

from typing import NamedTuple

import numpy as np
import polars as pl

from manifests.schema import SCHEMA
from manifests.shards import ShardInfo
from manifests.table import Manifest, Metadata


class Made(NamedTuple):
    """One made-up track."""

    source: str
    video: str
    name: str
    frames: tuple[int, ...]
    split: str = "train"
    shard: str = "s-0.tar"
    group: str = ""
    """The video, if none is given."""


def in_memory(tracks: list[Made], *, seed: int | None = None) -> Manifest:
    """Return a manifest without shards; the rows are shuffled if there is a seed."""
    rows = [
        {
            "source": track.source,
            "video": track.video,
            "group": track.group or track.video,
            "track": track.name,
            "frame": frame,
            "split": track.split,
            "shard": track.shard,
        }
        for track in tracks
        for frame in track.frames
    ]
    table = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in rows[0]})
    if seed is not None:
        table = table[np.random.default_rng(seed).permutation(table.height)]
    shards = tuple(
        ShardInfo(name=name, num_bytes=1, num_rows=1, sha256="")
        for name in sorted({track.shard for track in tracks})
    )
    metadata = Metadata(source="made", shards=shards)
    return Manifest(url="made/manifest.parquet", rows=table, metadata=metadata, fingerprint="")


def video_tracks(count: int, length: int, *, source: str = "vid") -> list[Made]:
    """Return tracks of ``length`` frames, two to a video."""
    return [
        Made(source, f"v{i // 2}", f"t{i}", tuple(range(0, 3 * length, 3))) for i in range(count)
    ]
