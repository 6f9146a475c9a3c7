"""The rows of all manifests, grouped by track; plans are drawn from this table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from manifests.schema import ManifestError
from manifests.table import Manifest

_Ints = NDArray[np.int64]
_Numbers = NDArray[np.int32]
"""One per crop: there are millions of them, and no dataset has 2^31 rows."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrackTable:
    """T tracks with N crops in all; a track's crops are consecutive and in frame order."""

    rows: _Numbers
    """(N,) row of each crop in the manifests, counted through all of them."""
    frames: _Numbers
    """(N,) frame number of each crop."""
    starts: _Ints
    """(T + 1,) where each track's crops begin; the last entry is N."""
    sources: _Ints
    """(T,) index into ``source_names``."""
    videos: _Ints
    """(T,) number of the video, unique over all sources; equal numbers are neighbours."""
    groups: _Ints
    """(T,) number of the group, unique over all sources; videos of a group may look alike."""
    shards: _Numbers
    """(T, 2) first and last shard that holds the track, counted through all manifests."""
    source_names: tuple[str, ...]


class _Part(NamedTuple):
    """The share of one manifest: n crops of t tracks."""

    rows: _Numbers  # (n,) within the manifest
    tracks: _Numbers  # (n,)
    frames: _Numbers  # (n,)
    shards: _Numbers  # (n,)
    labels: pl.DataFrame  # t rows of source, video, group


def track_table(manifests: Sequence[Manifest], *, split: str) -> TrackTable:
    """Group the rows of one split by track.

    Tracks of two manifests are never joined. All numbers follow from the manifests' rows, never
    from the process.

    Raises:
        ManifestError: No row is in the split, or a track has a frame twice.
    """
    parts = [_part_of(manifest, split) for manifest in manifests]
    if not any(part.rows.size for part in parts):
        raise ManifestError(
            f"{', '.join(m.url for m in manifests)}: no row with split {split!r}. Check the "
            "condition, or build with another --val-fraction"
        )
    labels = pl.concat([part.labels for part in parts])
    source_names = tuple(labels["source"].unique().sort().to_list())
    sources = labels["source"].replace_strict(source_names, range(len(source_names))).to_numpy()
    videos = _dense(_codes(labels["video"]) * len(source_names) + sources)[0]
    groups = _codes(labels["group"]) * len(source_names) + sources
    order = np.argsort(videos, kind="stable")  # tracks of a video become neighbours
    rank = np.empty(order.size, np.int32)
    rank[order] = np.arange(order.size)
    tracks = rank[_joined([part.tracks for part in parts], [p.labels.height for p in parts])]
    frames = np.concatenate([part.frames for part in parts])
    rows = _joined([part.rows for part in parts], [m.rows.height for m in manifests])
    num_shards = [len(manifest.metadata.shards) for manifest in manifests]
    shards = _joined([part.shards for part in parts], num_shards)
    del parts
    key = (tracks.astype(np.int64) << 32) + frames
    if not (key[1:] > key[:-1]).all():
        by_frame = np.argsort(key, kind="stable")
        rows, tracks, frames, shards = (a[by_frame] for a in (rows, tracks, frames, shards))
        _reject_twice(key[by_frame], manifests, rows)
    starts = np.searchsorted(tracks, np.arange(order.size + 1))
    ends = [np.minimum.reduceat(shards, starts[:-1]), np.maximum.reduceat(shards, starts[:-1])]
    return TrackTable(
        rows=rows,
        frames=frames,
        starts=starts,
        sources=sources[order].astype(np.int64),
        videos=videos[order],
        groups=groups[order],
        shards=np.stack(ends, axis=1),
        source_names=source_names,
    )


def shard_numbers(manifest: Manifest, shards: pl.Series) -> _Ints:
    """Return for each entry of a ``shard`` column its position in the manifest's list of shards.

    Raises:
        ManifestError: The list does not have it.
    """
    ids, firsts = _dense(_codes(shards))
    position = {shard.name: i for i, shard in enumerate(manifest.metadata.shards)}
    names = shards.gather(firsts).to_list()
    unknown = [name for name in names if name not in position]
    if unknown:
        raise ManifestError(f"{manifest.url}: lists no shard {unknown[0]!r}. Build it again")
    return np.array([position[name] for name in names], np.int64)[ids]


def _part_of(manifest: Manifest, split: str) -> _Part:
    table = manifest.rows
    rows = (table["split"].cast(pl.String) == split).to_numpy().nonzero()[0]
    chosen = table.select("source", "track", "video", "frame", "shard")[rows]
    sources = _codes(chosen["source"])
    # a track's name is unique within its source only
    tracks, firsts = _dense(_codes(chosen["track"]) * (sources.max(initial=0) + 1) + sources)
    return _Part(
        rows=rows.astype(np.int32),
        tracks=tracks.astype(np.int32),
        frames=chosen["frame"].to_numpy(),
        shards=shard_numbers(manifest, chosen["shard"]).astype(np.int32),
        labels=table.select("source", "video", "group")[rows[firsts]].cast(pl.String),
    )


def _codes(series: pl.Series) -> _Ints:
    codes: _Ints = series.cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    return codes


def _dense(codes: _Ints) -> tuple[_Ints, _Ints]:
    """Number the values of ``codes`` by first appearance.

    Returns:
        (n,) number of each entry, and (k,) where each value appears first.
    """
    first_of, inverse = np.unique(codes, return_index=True, return_inverse=True)[1:]
    order = np.argsort(first_of)
    number = np.empty_like(order)
    number[order] = np.arange(order.size)
    return number[inverse], first_of[order]


def _joined(arrays: Sequence[_Numbers], sizes: Sequence[int]) -> _Numbers:
    """Concatenate numbers of several parts; a part's numbers go on where the part before ends."""
    offsets = np.cumsum([0, *sizes[:-1]], dtype=np.int32)
    return np.concatenate([array + offset for array, offset in zip(arrays, offsets, strict=True)])


def _reject_twice(key: _Ints, manifests: Sequence[Manifest], rows: _Numbers) -> None:
    twice = np.flatnonzero(np.diff(key) == 0)
    if twice.size:
        manifest, row = locate_row(manifests, int(rows[twice[0]]))
        track, frame = manifest.rows["track"][row], manifest.rows["frame"][row]
        raise ManifestError(
            f"{manifest.url}: track {track!r} has frame {frame} twice. Build it again"
        )


def locate_row(manifests: Sequence[Manifest], row: int) -> tuple[Manifest, int]:
    """Return the manifest that holds a row counted through all of them, and the row in it."""
    for manifest in manifests:
        if row < manifest.rows.height:
            return manifest, row
        row -= manifest.rows.height
    raise IndexError(f"row {row} lies past the end of {len(manifests)} manifests")
