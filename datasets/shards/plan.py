"""Distribution of tracks over shards: from the annotations alone, before reading any image."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from datasets.shards.tasks import ShardSettings, ShardTask, TrackPart
from manifests.crop_spec import CropSpec
from manifests.split import assign_splits

PAIR_BYTES = 22_000
"""Approximate size in a shard of a crop pair of the default `CropSpec` at JPEG quality 92."""

Video = tuple[TrackPart, ...]
"""The tracks that are cut from the same images."""


def plan_tasks(
    parts: Sequence[TrackPart],
    settings: ShardSettings,
    *,
    seed: int,
    val_fraction: float,
    shard_mb: float,
) -> list[ShardTask]:
    """Return one task per shard; a shard holds one split, so that training fetches no val data.

    Args:
        parts: Tracks with the frames to cut.
        settings: What the tasks have in common.
        seed: Seed of the split and of the order of the videos.
        val_fraction: Share of the groups that becomes the val split.
        shard_mb: Approximate size of a shard.
    """
    groups = {part.track.group for part in parts}
    splits = assign_splits(groups, source=settings.source, seed=seed, val_fraction=val_fraction)
    growth = (settings.crop.stored_search / CropSpec.search) ** 2
    pairs_per_shard = max(1, int(shard_mb * 1e6 / (PAIR_BYTES * growth)))
    tasks: list[ShardTask] = []
    for split in ("train", "val"):
        chosen = [part for part in parts if splits[part.track.group] == split]
        for videos in plan_shards(chosen, seed=seed, pairs_per_shard=pairs_per_shard):
            name = f"{settings.source}-{len(tasks):06d}.tar"
            tasks.append(ShardTask(settings=settings, name=name, split=split, parts=videos))
    return tasks


def plan_shards(
    parts: Iterable[TrackPart], *, seed: int, pairs_per_shard: int
) -> list[tuple[Video, ...]]:
    """Distribute tracks over shards of about equal size, videos in a seeded random order.

    The random order mixes categories, which streaming needs. Tracks of one video share a shard,
    so that each image is decoded once. A track stays whole unless it alone outgrows a shard;
    then it continues in the next.

    Args:
        parts: Tracks with the frames to cut.
        seed: Seed of the order of the videos.
        pairs_per_shard: Largest number of crop pairs in a shard.

    Returns:
        Per shard, its videos.
    """
    videos: dict[str, list[TrackPart]] = {}
    for part in parts:
        if part.indices.size:
            videos.setdefault(part.track.video, []).append(part)
    shards: list[tuple[Video, ...]] = []
    current: list[Video] = []
    room = pairs_per_shard
    for name in sorted(videos, key=lambda name: _order(name, seed)):
        for piece in _split_video(videos[name], pairs_per_shard):
            size = sum(part.indices.size for part in piece)
            if size > room and current:
                shards.append(tuple(current))
                current, room = [], pairs_per_shard
            current.append(piece)
            room -= size
    return [*shards, tuple(current)] if current else shards


def _split_video(parts: Sequence[TrackPart], limit: int) -> Iterator[Video]:
    """Yield a video's tracks in pieces of at most ``limit`` pairs; nearly always all at once."""
    if sum(part.indices.size for part in parts) <= limit:
        yield tuple(parts)
        return
    piece: list[TrackPart] = []
    for part in parts:
        if piece and sum(p.indices.size for p in piece) + part.indices.size > limit:
            yield tuple(piece)
            piece = []
        for start in range(0, part.indices.size, limit):
            cut = TrackPart(track=part.track, indices=part.indices[start : start + limit])
            if cut.indices.size == limit:
                yield (cut,)
            else:
                piece.append(cut)
    if piece:
        yield tuple(piece)


def _order(name: str, seed: int) -> bytes:
    return hashlib.blake2b(name.encode(), key=str(seed).encode(), digest_size=16).digest()
