"""Selection of the frames that become crops, with the reasons for dropping others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from commands.choices import Count, Share, within
from datasets.tracks import Track

OUTSIDE = "outside the frame"
"""Reason for targets that lie wholly outside of the frame."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Limits on the targets that become crops; dropped frames are counted by reason."""

    min_side: Annotated[float, within(float, 0)] = 2.0
    """Smallest width and height of a target, in image pixels."""
    max_aspect: Annotated[float, within(float, 1)] = 10.0
    """Largest ratio between the longer and the shorter side."""
    min_area: Share = 0.0001
    """Smallest share of the frame's area."""
    max_area: Annotated[float, within(float, 1e-6, 1)] = 0.9
    """Largest share of the frame's area."""
    every: Count = 1
    """Keep every N-th frame of a track."""
    keep_ignored: bool = False
    """Keep tracks that their source marks as unsuitable, such as COCO's crowds."""


def usable_frames(
    tracks: Sequence[Track], filters: Filters
) -> tuple[list[NDArray[np.intp]], Counter[str]]:
    """Return the frames of each track that pass the tests on annotations.

    A frame is counted under the first reason that applies. All tracks are tested at once: COCO has
    860,001 of them, of one frame each.

    Returns:
        Per track, the indices of the frames kept; and the number of frames dropped by reason.
    """
    lengths = np.array([len(track.frames) for track in tracks])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    boxes_xywh = np.concatenate([track.boxes_xywh for track in tracks])
    index_in_track = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
    width, height = boxes_xywh[:, 2], boxes_xywh[:, 3]
    reasons = {track.ignored for track in tracks} - {None} if not filters.keep_ignored else set()
    with np.errstate(invalid="ignore", over="ignore"):
        longer, shorter = np.maximum(width, height), np.minimum(width, height)
        tests = {
            str(reason): np.repeat([track.ignored == reason for track in tracks], lengths)
            for reason in sorted(filter(None, reasons))
        }
        tests |= {
            "absent": ~np.concatenate([track.visible for track in tracks]),
            "not finite": ~np.isfinite(boxes_xywh).all(axis=1),
            "too small": (width < filters.min_side) | (height < filters.min_side),
            "too elongated": longer > filters.max_aspect * shorter,
            "skipped by --every": index_in_track % filters.every != 0,
        }
    # An unknown size is tested when the image is read.
    sizes = np.array([track.frame_size or (np.nan, np.nan) for track in tracks], dtype=np.float64)
    tests |= frame_tests(boxes_xywh, np.repeat(sizes, lengths, axis=0), filters)
    kept = np.ones(starts[-1], dtype=bool)
    dropped: Counter[str] = Counter()
    for reason, failed in tests.items():
        dropped[reason] = int((kept & failed).sum())
        kept &= ~failed
    passed = np.flatnonzero(kept)
    pieces = np.split(passed, np.searchsorted(passed, starts[1:-1]))
    return [piece - start for piece, start in zip(pieces, starts[:-1], strict=True)], +dropped


def frame_tests(
    boxes_xywh: NDArray[np.float64], frame_sizes: NDArray[np.float64], filters: Filters
) -> dict[str, NDArray[np.bool_]]:
    """Return, by reason, the targets outside of their frames or of a wrong share of them.

    Args:
        boxes_xywh: (N, 4) in pixels.
        frame_sizes: (N, 2) width and height; NaN if unknown, which fails no test.
        filters: The limits.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        share = boxes_xywh[:, 2:].prod(axis=1) / frame_sizes.prod(axis=1)
        ends = boxes_xywh[:, :2] + boxes_xywh[:, 2:]
        outside = (boxes_xywh[:, :2] >= frame_sizes) | (ends <= 0 * frame_sizes)
        return {
            OUTSIDE: outside.any(axis=1),
            "too small for the frame": share < filters.min_area,
            "too large for the frame": share > filters.max_area,
        }
