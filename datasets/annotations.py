"""All annotations of a raw dataset, reduced to what becomes crops, with counts and checksums."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from datasets.files import RawFiles
from datasets.filters import Filters, usable_frames
from datasets.progress import track_digest
from datasets.shards import TrackPart
from datasets.sources import SOURCES
from datasets.tracks import SourceError


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotations:
    """What the annotations of one dataset say."""

    parts: list[TrackPart]
    """Tracks with the frames that pass the filters."""
    counts: Counter[str]
    """Frames in, and dropped by reason."""
    lost: list[str]
    """Names of the tracks that have no usable frame."""
    digests: dict[str, str]
    """Checksum of each part of the annotations."""


def read_annotations(
    files: RawFiles, source: str, names: Sequence[str], filters: Filters
) -> Annotations:
    """Read the named parts of a source.

    Raises:
        SourceError: A part is damaged, or nothing passes the filters.
    """
    found = Annotations(parts=[], counts=Counter(), lost=[], digests={})
    for name in tqdm(names, unit="part", desc=f"read {source}", leave=False):
        digest = hashlib.blake2b(digest_size=16)
        for track in SOURCES[source].read_part(files, name):
            digest.update(track_digest(track))
            indices, dropped = usable_frames(track, filters)
            found.counts["frames in"] += len(track.frames)
            found.counts.update(dropped)
            if indices.size:
                found.parts.append(TrackPart(track=track, indices=indices))
            else:
                found.lost.append(track.name)
        found.digests[name] = digest.hexdigest()
    if not found.parts:
        raise SourceError(
            f"{files.root}: no usable target in {found.counts['frames in']} frames of {source}: "
            f"{dict(found.counts)}. Check --root and the filters"
        )
    return found
