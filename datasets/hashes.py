"""Perceptual hashes: 64 bits that stay nearly the same when a picture is copied badly.

A hash holds the signs of the lowest frequencies of a 32 x 32 grey picture, so that re-encoding,
resizing and brightening change few bits, and mirroring changes known ones.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.crops import Image

THUMB_PX = 32
_LOW = 8
_CHUNKS = 4
_CHUNK_BITS = 16
_RUN = 4096
_BLOCK = 1 << 22
"""Candidates compared at once: what bounds the memory, at some 100 MB."""

Hashes = NDArray[np.uint64]
Thumbs = NDArray[np.uint8]


def thumb(image: Image, *, share: float = 1.0) -> Thumbs:
    """Return the (32, 32) grey picture of the central part of a square image.

    Args:
        image: (S, S, 3) uint8 RGB.
        share: Side of the central part as a share of the image's.
    """
    side = image.shape[0]
    start = round(side * (1 - share) / 2)
    part = image[start : side - start, start : side - start]
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    small: Thumbs = cv2.resize(grey, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
    return small


def hash_thumbs(thumbs: Thumbs) -> tuple[Hashes, Hashes]:
    """Return (N,) hashes of the pictures, and of the pictures mirrored left to right.

    Args:
        thumbs: (N, 32, 32) uint8.
    """
    basis = _cosines()  # (8 + 1, 32)
    column = np.append(np.tile(np.arange(_LOW), _LOW)[1:], _LOW)
    sign = np.where(column % 2, -1, 1).astype(np.float32)
    plain, mirrored = (np.zeros(len(thumbs), np.uint64) for _ in range(2))
    for part in _runs(len(thumbs)):
        spectrum = basis @ thumbs[part].astype(np.float32) @ basis.T  # (n, 9, 9)
        # The 63 lowest coefficients beside the mean, and one more to fill 64 bits.
        lowest = spectrum[:, :_LOW, :_LOW].reshape(-1, _LOW * _LOW)[:, 1:]
        chosen = np.concatenate([lowest, spectrum[:, :1, _LOW]], axis=1)  # (n, 64)
        plain[part], mirrored[part] = _pack(chosen), _pack(chosen * sign)
    return plain, mirrored


def has_detail(thumbs: Thumbs, *, least_deviation: float = 6.0) -> NDArray[np.bool_]:
    """Return (N,) whether a picture shows enough for its hash to mean something."""
    parts = [thumbs[part].std(axis=(1, 2)) for part in _runs(len(thumbs))]
    return np.concatenate([*parts, np.zeros(0)]) >= least_deviation


@dataclass(frozen=True, slots=True, eq=False)
class HashTable:
    """N hashes, and for each of their four 16-bit chunks where its values stand."""

    hashes: Hashes
    orders: tuple[NDArray[np.int64], ...]
    """Four (N,) rows, ordered by the chunk's value."""
    starts: tuple[NDArray[np.int64], ...]
    """Four (65537,) places in the order at which each value begins."""


def hash_table(hashes: Hashes) -> HashTable:
    """Return the hashes, ready to be searched."""
    orders, starts = [], []
    for chunk in range(_CHUNKS):
        keys = _chunk(hashes, chunk)
        orders.append(np.argsort(keys, kind="stable"))
        starts.append(np.searchsorted(keys[orders[-1]], np.arange((1 << _CHUNK_BITS) + 1)))
    return HashTable(hashes, tuple(orders), tuple(starts))


def near_pairs(
    queries: Hashes, table: HashTable, *, max_distance: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Find all pairs of hashes that differ in at most ``max_distance`` bits.

    Exact: of four 16-bit chunks, one differs in at most a quarter of the bits, so that looking up
    each chunk with so many bits flipped misses no pair. What is looked up is compared in full.

    Returns:
        (P,) index into the queries, index into the table, number of bits that differ; ordered by
        query, then by index into the table.
    """
    found = [
        part
        for chunk in range(_CHUNKS)
        for part in _near_by_chunk(queries, table, chunk, max_distance)
    ]
    if not found:
        empty = np.zeros(0, np.int64)
        return empty, empty, np.zeros(0, np.uint8)
    pairs = np.unique(np.concatenate(found), axis=0)  # a pair may share several chunks
    query, row = pairs[:, 0], pairs[:, 1]
    return query, row, np.bitwise_count(queries[query] ^ table.hashes[row])


def _near_by_chunk(
    queries: Hashes, table: HashTable, chunk: int, max_distance: int
) -> Iterator[NDArray[np.int64]]:
    order, starts = table.orders[chunk], table.starts[chunk]
    wanted = _chunk(queries, chunk)
    for flipped in _masks(max_distance // _CHUNKS):
        bucket = wanted ^ flipped
        first, count = starts[bucket], starts[bucket + 1] - starts[bucket]
        for part in _blocks(count):
            query = np.repeat(np.arange(part.start, part.stop), count[part])
            before = np.cumsum(count[part]) - count[part]
            place = np.arange(query.size) - np.repeat(before - first[part], count[part])
            row = order[place]
            near = np.bitwise_count(queries[query] ^ table.hashes[row]) <= max_distance
            yield np.stack([query[near], row[near]], axis=1)


def _blocks(counts: NDArray[np.int64]) -> Iterator[slice]:
    """Cut the queries into runs of at most a block of candidates (or one query)."""
    total = np.cumsum(counts)
    start = 0
    while start < counts.size:
        done = total[start - 1] if start else 0
        stop = max(int(np.searchsorted(total, done + _BLOCK, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def _masks(radius: int) -> Iterator[int]:
    """Yield every way of flipping up to ``radius`` bits of a chunk."""
    for number in range(radius + 1):
        for bits in itertools.combinations(range(_CHUNK_BITS), number):
            yield sum(1 << bit for bit in bits)


def _chunk(hashes: Hashes, chunk: int) -> NDArray[np.int64]:
    shift, mask = np.uint64(_CHUNK_BITS * chunk), np.uint64((1 << _CHUNK_BITS) - 1)
    return ((hashes >> shift) & mask).astype(np.int64)


def _runs(count: int) -> Iterator[slice]:
    """Cut N pictures into runs whose floats take some 20 MB."""
    for start in range(0, count, _RUN):
        yield slice(start, min(start + _RUN, count))


def _pack(values: NDArray[np.float32]) -> Hashes:
    bits = np.packbits(values > np.median(values, axis=1, keepdims=True), axis=1)  # (N, 8)
    return np.ascontiguousarray(bits).view(np.uint64)[:, 0]


def _cosines() -> NDArray[np.float32]:
    frequency, place = np.arange(_LOW + 1)[:, None], np.arange(THUMB_PX)[None, :]
    return np.cos(np.pi * frequency * (place + 0.5) / THUMB_PX).astype(np.float32)
