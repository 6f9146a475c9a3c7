"""All annotations of a raw dataset: the frames that become crops, counts and checksums."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tqdm import tqdm

from datasets.files.folders import RawFiles
from datasets.filters import Filters, usable_frames
from datasets.outside import outside_problem
from datasets.shards.tasks import TrackPart
from datasets.sources import SOURCES
from datasets.tracks import BadAnnotations, SourceError, Track

_BATCH = 4096
"""Number of tracks that are filtered at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotations:
    """The annotations of one dataset."""

    parts: list[TrackPart]
    """Tracks with the frames that pass the filters."""
    counts: Counter[str]
    """Frames in, and dropped by reason."""
    lost: list[str]
    """Names of the tracks that have no usable frame."""
    digests: dict[str, str]
    """Checksum of each part of the annotations."""
    bad: list[str]
    """Problems of the annotations that were left out."""


def read_annotations(
    files: RawFiles,
    source: str,
    names: Sequence[str],
    filters: Filters,
    *,
    max_bad: int = 0,
    options: Sequence[object] = (),
) -> Annotations:
    """Read the named parts of a source.

    Args:
        files: The raw root.
        source: Name of the source.
        names: Its parts.
        filters: Limits on the targets.
        max_bad: Number of wrong annotations that may be left out and counted.
        options: Options of the source, passed on to its reader.

    Raises:
        SourceError: A part is damaged, or nothing passes the filters.
    """
    bad = BadAnnotations(limit=max_bad)
    result = Annotations(parts=[], counts=Counter(), lost=[], digests={}, bad=bad.messages)
    reader = SOURCES[source]
    tracks_seen: set[str] = set()
    for name in tqdm(names, unit="part", desc=f"read {source}", leave=False, disable=None):
        digest = hashlib.blake2b(digest_size=16)
        tracks = reader.read_part(files, name, *options, *([bad] if reader.leaves_out_bad else []))
        while batch := list(islice(tracks, _BATCH)):
            for track in batch:
                if track.name in tracks_seen:
                    raise SourceError(
                        f"{files.where(name)}: track {track.name!r} is also in another part. "
                        "Remove one of the two copies"
                    )
                tracks_seen.add(track.name)
                digest.update(_track_digest(track))
            _filter(batch, filters, result)
        result.digests[name.rpartition("/")[2]] = digest.hexdigest()
    if bad.messages:
        result.counts.update({"frames in": len(bad.messages), "bad annotation": len(bad.messages)})
    if not result.parts:
        hint = f". {problem}" if (problem := outside_problem(result.counts)) else ""
        raise SourceError(
            f"{files.root}: no usable target in {result.counts['frames in']} frames of {source}: "
            f"{dict(result.counts)}. Check --root and the filters{hint}"
        )
    return result


def _filter(tracks: Sequence[Track], filters: Filters, result: Annotations) -> None:
    """Filter a batch of tracks and add the remaining ones."""
    indices, dropped = usable_frames(tracks, filters)
    result.counts["frames in"] += sum(len(track.frames) for track in tracks)
    result.counts.update(dropped)
    for track, kept in zip(tracks, indices, strict=True):
        if kept.size:
            result.parts.append(TrackPart(track=track, indices=kept))
        else:
            result.lost.append(track.name)


def _track_digest(track: Track) -> bytes:
    """Return a checksum of a track's annotation.

    It does not depend on the place of the images' folder below the root.
    """
    digest = hashlib.blake2b(digest_size=16)
    names = (track.name, track.video, track.group, track.category, track.frame_size, track.ignored)
    digest.update(repr(names).encode(errors="surrogateescape"))
    digest.update(
        "\n".join(name.rpartition("/")[2] for name in track.frames).encode(errors="surrogateescape")
    )
    arrays = (track.frame_numbers, track.boxes_xywh, track.visible)
    for array in (*arrays, track.occluded, track.truncated, track.generated):
        digest.update(b"-" if array is None else array.tobytes())
    return digest.digest()
