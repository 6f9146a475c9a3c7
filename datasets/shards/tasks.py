"""Tasks of a build and their results, as plain values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datasets.filters import Filters
from datasets.images import codec_versions
from datasets.tracks import Track
from manifests.crop_spec import CropSpec
from manifests.shards import ShardInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackPart:
    """Frames of one track that go into one shard."""

    track: Track
    indices: NDArray[np.intp]
    """Indices of the track's frames, ascending."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardSettings:
    """The settings that all shards of a build have in common."""

    root: str
    out: str
    """Folder of the shards and their indices."""
    source: str
    filters: Filters = field(default_factory=Filters)
    crop: CropSpec = field(default_factory=CropSpec)
    quality: int = 92
    """JPEG quality."""
    max_bad_frames: int = 0
    codecs: Mapping[str, str] = field(default_factory=codec_versions)
    """Versions of the libraries that decide the bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardTask:
    """Everything that decides the bytes of one shard."""

    settings: ShardSettings
    name: str
    split: str
    parts: tuple[tuple[TrackPart, ...], ...]
    """Per video, the tracks that are cut from its frames together."""

    @property
    def num_targets(self) -> int:
        """Number of crop pairs, if none is dropped."""
        return sum(part.indices.size for parts in self.parts for part in parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardResult:
    """The result of a task."""

    info: ShardInfo
    dropped: Counter[str]
    """Planned targets that were not cut, by reason."""
    bad_images: tuple[str, ...]
    """Problem of each unreadable image."""
