"""All pairs of 64-bit hashes that differ in a few bits, without comparing all pairs."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from datasets.overlap.hashes import Hashes

_CHUNKS = 4
_CHUNK_BITS = 16
_BLOCK = 1 << 22
"""Candidates compared at once, which limits the memory to some 100 MB."""

_Ints = NDArray[np.int64]
Skip = Callable[[_Ints, _Ints], NDArray[np.bool_]]


class HashTable:
    """N hashes, with an index of the values of each of their four 16-bit chunks."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self.orders: list[NDArray[np.int64]] = []
        """Four (N,) rows, ordered by the chunk's value."""
        self.starts: list[NDArray[np.int64]] = []
        """Four (65537,) positions in the order at which each value begins."""
        for chunk in range(_CHUNKS):
            keys = _chunk(hashes, chunk)
            self.orders.append(np.argsort(keys, kind="stable"))
            values = np.arange((1 << _CHUNK_BITS) + 1)
            self.starts.append(np.searchsorted(keys[self.orders[-1]], values))


def near_pairs(
    queries: Hashes,
    table: HashTable,
    *,
    max_distance: int,
    most: int | None = None,
    skip: Skip | None = None,
) -> tuple[_Ints, _Ints, NDArray[np.uint8]]:
    """Find all pairs of hashes that differ in at most ``max_distance`` bits.

    Exact: of four 16-bit chunks, one differs in at most a quarter of the bits, so that looking up
    each chunk with that many bits flipped misses no pair. All candidates are compared in full.

    Args:
        queries: (Q,) hashes to look up.
        table: Where to look them up.
        max_distance: Bits in which a pair may differ.
        most: Number of the nearest pairs to keep per query. Bounds the memory: in still footage
            every frame is near every other.
        skip: Returns True for pairs, (P,) indices into queries and table, that do not count.

    Returns:
        (P,) index into the queries, index into the table, number of bits that differ; ordered by
        query, then by index into the table.
    """
    keys = []
    for chunk in range(_CHUNKS):
        for query, row in _near_by_chunk(queries, table, chunk, max_distance):
            if skip is not None and query.size:
                wanted = ~skip(query, row)
                query, row = query[wanted], row[wanted]
            kept = _nearest(queries, table, query, row, most)
            keys.append(query[kept] * table.hashes.size + row[kept])
    # a pair may share several chunks
    query, row = np.divmod(np.unique(np.concatenate(keys)), max(table.hashes.size, 1))
    kept = _nearest(queries, table, query, row, most)
    query, row = query[kept], row[kept]
    return query, row, np.bitwise_count(queries[query] ^ table.hashes[row])


def _nearest(
    queries: Hashes, table: HashTable, query: _Ints, row: _Ints, most: int | None
) -> _Ints:
    """Return the indices of the nearest ``most`` pairs of each query, in their order."""
    if most is None or query.size <= most:
        return np.arange(query.size)
    distance = np.bitwise_count(queries[query] ^ table.hashes[row])
    order = np.lexsort((distance, query))
    ordered = query[order]
    rank = np.arange(ordered.size) - np.searchsorted(ordered, ordered)
    return np.sort(order[rank < most])


def _near_by_chunk(
    queries: Hashes, table: HashTable, chunk: int, max_distance: int
) -> Iterator[tuple[_Ints, _Ints]]:
    order, starts = table.orders[chunk], table.starts[chunk]
    wanted = _chunk(queries, chunk)
    for flipped in _masks(max_distance // _CHUNKS):
        bucket = wanted ^ flipped
        first, count = starts[bucket], starts[bucket + 1] - starts[bucket]
        for part in _blocks(count):
            query = np.repeat(np.arange(part.start, part.stop), count[part])
            before = np.cumsum(count[part]) - count[part]
            position = np.arange(query.size) - np.repeat(before - first[part], count[part])
            row = order[position]
            near = np.bitwise_count(queries[query] ^ table.hashes[row]) <= max_distance
            yield query[near], row[near]


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
