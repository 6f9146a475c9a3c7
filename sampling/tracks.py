"""The rows of all manifests, grouped by track: what a plan is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from manifests.schema import ManifestError
from manifests.table import Manifest

_Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrackTable:
    """T tracks with N crops in all; a track's crops are consecutive and in frame order."""

    rows: _Ints
    """(N,) row of each crop in the manifests, counted through all of them."""
    frames: NDArray[np.int32]
    """(N,) frame number of each crop."""
    starts: _Ints
    """(T + 1,) where each track's crops begin; the last entry is N."""
    sources: _Ints
    """(T,) index into ``source_names``."""
    videos: _Ints
    """(T,) number of the video, unique over all sources; equal numbers are neighbours."""
    shards: _Ints
    """(T, 2) first and last shard that holds the track, counted through all manifests."""
    source_names: tuple[str, ...]


class _Part(NamedTuple):
    """What one manifest contributes: n crops of t tracks."""

    rows: _Ints  # (n,) within the manifest
    tracks: _Ints  # (n,)
    frames: NDArray[np.int32]  # (n,)
    shards: _Ints  # (n,)
    labels: list[tuple[str, str]]  # t times source, video


def track_table(manifests: Sequence[Manifest], *, split: str) -> TrackTable:
    """Group the rows of one split by track.

    Tracks of two manifests are never joined. All numbers follow from the manifests' rows, never
    from the process.

    Raises:
        ManifestError: No row is in the split, or a track has a frame twice.
    """
    parts = [_part_of(manifest, split) for manifest in manifests]
    sources, videos, source_names = _number_videos([part.labels for part in parts])
    row_offsets = _offsets([manifest.rows.height for manifest in manifests])
    shard_offsets = _offsets([len(manifest.metadata.shards) for manifest in manifests])
    track_offsets = _offsets([len(part.labels) for part in parts])
    rows = _joined([part.rows for part in parts], row_offsets)
    if rows.size == 0:
        raise ManifestError(
            f"{', '.join(m.url for m in manifests)}: no row with split {split!r}. Check the "
            "condition, or build with another --val-fraction"
        )
    order = np.argsort(videos, kind="stable")  # tracks of a video become neighbours
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    tracks = rank[_joined([part.tracks for part in parts], track_offsets)]
    frames = np.concatenate([part.frames for part in parts])
    shards = _joined([part.shards for part in parts], shard_offsets)
    key = (tracks << 32) + frames
    if not (np.diff(key) > 0).all():
        by_frame = np.argsort(key, kind="stable")
        rows, tracks, frames, shards = (a[by_frame] for a in (rows, tracks, frames, shards))
        _reject_twice(key[by_frame], manifests, rows)
    starts = np.searchsorted(tracks, np.arange(order.size + 1))
    ends = [np.minimum.reduceat(shards, starts[:-1]), np.maximum.reduceat(shards, starts[:-1])]
    return TrackTable(
        rows=rows,
        frames=frames,
        starts=starts,
        sources=sources[order],
        videos=videos[order],
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
    key = _codes(chosen["track"]) * (sources.max(initial=0) + 1) + sources
    tracks, firsts = _dense(key)
    named = chosen[["source", "video"]][firsts].cast(pl.String)
    return _Part(
        rows=rows,
        tracks=tracks,
        frames=chosen["frame"].to_numpy(),
        shards=shard_numbers(manifest, chosen["shard"]),
        labels=list(named.iter_rows()),
    )


def _number_videos(
    labels: Sequence[Sequence[tuple[str, str]]],
) -> tuple[_Ints, _Ints, tuple[str, ...]]:
    """Number the sources and videos of all tracks, sources in alphabetical order."""
    names = tuple(sorted({source for part in labels for source, _ in part}))
    number = {name: i for i, name in enumerate(names)}
    videos: dict[tuple[str, str], int] = {}
    ids = [videos.setdefault(label, len(videos)) for part in labels for label in part]
    sources = [number[source] for part in labels for source, _ in part]
    return np.array(sources, np.int64), np.array(ids, np.int64), names


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


def _offsets(sizes: Sequence[int]) -> _Ints:
    return np.cumsum([0, *sizes])[:-1]


def _joined(arrays: Sequence[_Ints], offsets: _Ints) -> _Ints:
    return np.concatenate([array + offset for array, offset in zip(arrays, offsets, strict=True)])


def _reject_twice(key: _Ints, manifests: Sequence[Manifest], rows: _Ints) -> None:
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
