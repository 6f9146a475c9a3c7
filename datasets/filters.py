"""Which frames of a track become crops, and why the others do not."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.tracks import Track


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Limits on the targets that become crops; every frame left out is counted by reason."""

    min_side: float = 2.0
    """Smallest width and height of a target, in image pixels."""
    max_aspect: float = 10.0
    """Largest ratio between the longer and the shorter side."""
    min_area: float = 0.0001
    """Smallest share of the frame's area."""
    max_area: float = 0.9
    """Largest share of the frame's area."""
    every: int = 1
    """Keep every N-th frame of a track."""
    keep_ignored: bool = False
    """Keep tracks that their source marks as unsuitable, such as COCO's crowds."""


def usable_frames(track: Track, filters: Filters) -> tuple[NDArray[np.intp], Counter[str]]:
    """Return the frames of a track that pass what the annotation alone can decide.

    The first reason that applies to a frame is the one that counts.

    Returns:
        Indices of the frames kept, and the number dropped by reason.
    """
    width, height = track.boxes_xywh[:, 2], track.boxes_xywh[:, 3]
    finite = np.isfinite(track.boxes_xywh).all(axis=1)
    with np.errstate(invalid="ignore"):
        small = (width < filters.min_side) | (height < filters.min_side)
        longer, shorter = np.maximum(width, height), np.minimum(width, height)
        tests = {
            track.ignored or "ignored": np.full(
                len(track.frames), track.ignored is not None and not filters.keep_ignored
            ),
            "absent": ~track.visible,
            "not finite": ~finite,
            "too small": small,
            "too elongated": longer > filters.max_aspect * shorter,
            "skipped by --every": np.arange(len(track.frames)) % filters.every != 0,
        }
    if track.frame_size is not None:
        tests |= area_tests(width * height, track.frame_size, filters)
    kept = np.ones(len(track.frames), dtype=bool)
    dropped: Counter[str] = Counter()
    for reason, failed in tests.items():
        dropped[reason] = int((kept & failed).sum())
        kept &= ~failed
    return np.flatnonzero(kept), +dropped


def area_tests(
    areas: NDArray[np.float64], frame_size: tuple[int, int], filters: Filters
) -> dict[str, NDArray[np.bool_]]:
    """Return, by reason, which targets fill too little or too much of their frame."""
    share = areas / (frame_size[0] * frame_size[1])
    with np.errstate(invalid="ignore"):
        return {
            "too small for the frame": share < filters.min_area,
            "too large for the frame": share > filters.max_area,
        }
