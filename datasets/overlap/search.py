"""Search for training crops that match frames of a benchmark: by hashes, then by pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.overlap.footage import Footage, Progress, in_threads
from datasets.overlap.hash_search import HashTable, Skip, near_pairs
from datasets.overlap.hashes import Hashes, Thumbs, has_detail, hash_thumbs

_NEAREST = 8
"""Crops that are compared with a frame at each scale, plain and mirrored."""
_QUERIES = 4096

_Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Required similarity of two pictures of the same footage."""

    max_distance: int = 11
    """Largest number of different bits, of 64, in the hashes of a pair."""
    least_likeness: float = 0.8
    """Smallest correlation, up to 1, of the pictures of a pair."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Matches:
    """P matching pairs of a training crop and a frame of the benchmark."""

    row: NDArray[np.int64]
    """(P,) row of the training crops."""
    item: NDArray[np.int64]
    """(P,) frame of the footage."""
    likeness: NDArray[np.float64]
    """(P,) correlation of the two pictures, 1 for the same."""


def find_matches(
    crops: Thumbs,
    footage: Footage,
    limits: Limits,
    *,
    skip: Skip | None = None,
    progress: Progress = lambda done: None,
) -> Matches:
    """Return the crops that match a frame of the benchmark.

    Args:
        crops: (N, 32, 32) pictures of training crops.
        footage: The benchmark. Each frame is looked up at every scale, plain and mirrored.
        limits: Required similarity of a pair.
        skip: Returns True for pairs to ignore, from (P,) rows of the crops and (P,) frames of the
            footage.
        progress: Called with the number of pictures that were looked up.
    """
    usable = np.flatnonzero(has_detail(crops))
    table = HashTable(hash_thumbs(crops)[0][usable])

    def look_up(look: _Look) -> _Found:
        query, index, _ = near_pairs(
            look.hashes,
            table,
            max_distance=limits.max_distance,
            most=_NEAREST,
            skip=skip and (lambda query, index: skip(usable[index], look.items[query])),
        )
        row, item = usable[index], look.items[query]
        likeness = _likeness(crops, row, look.pictures, item)
        same = likeness >= limits.least_likeness
        progress(look.items.size)
        return row[same], item[same], likeness[same]

    matches = in_threads(look_up, _looks(footage))
    if not matches:
        return Matches(row=np.zeros(0, np.int64), item=np.zeros(0, np.int64), likeness=np.zeros(0))
    row, item, likeness = (np.concatenate(parts) for parts in zip(*matches, strict=True))
    return Matches(row=row, item=item, likeness=likeness)


class _Look(NamedTuple):
    """Some frames of the benchmark at one scale, plain or mirrored."""

    pictures: Thumbs
    """(N, 32, 32) of all the footage."""
    items: NDArray[np.int64]
    """(Q,) frames to look up."""
    hashes: Hashes
    """(Q,) their hashes."""


def _looks(footage: Footage) -> Iterator[_Look]:
    for scale in range(footage.thumbs.shape[1]):
        pictures = footage.thumbs[:, scale]
        detailed = np.flatnonzero(has_detail(pictures))
        for looks, hashes in zip(
            (pictures, pictures[:, :, ::-1]), hash_thumbs(pictures), strict=True
        ):
            for start in range(0, detailed.size, _QUERIES):
                items = detailed[start : start + _QUERIES]
                yield _Look(looks, items, hashes[items])


def _likeness(
    crops: Thumbs, row: NDArray[np.int64], pictures: Thumbs, item: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (P,) the best correlation over small shifts: annotators disagree by a few pixels."""
    result = np.zeros(row.size)
    for index, (crop, frame) in enumerate(zip(row, item, strict=True)):
        middle = pictures[frame][3:-3, 3:-3]
        scores = cv2.matchTemplate(crops[crop], middle, cv2.TM_CCOEFF_NORMED)
        result[index] = scores.max()
    return result
