"""Pairs out of files that pass once, from start to end: what is kept, and when it leaves."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from manifests.schema import ManifestError

_MIXED_PAIRS = 1_000
"""Pairs among which the next one is drawn: those of a track come all at once."""

Wanted = dict[tuple[str, str], list[tuple[int, str]]]
"""(URL of a shard, name of a member) to the pairs that it is part of: place and role."""
PassedPair = tuple[int, dict[str, bytes]]
"""Place of a pair in the plan, and the JPEG of each of its crops by role."""


def complete_pairs(files: Iterable[dict[str, Any]], *, wanted: Wanted) -> Iterator[PassedPair]:
    """Yield each pair when the last of its crops has passed.

    Args:
        files: Members of shards as webdataset yields them: ``__url__``, ``fname``, ``data``.
        wanted: What to keep of them.

    Raises:
        ManifestError: The shards have ended and a wanted crop was not in them.
    """
    passed: dict[int, dict[str, bytes]] = {}
    num_crops = Counter(place for uses in wanted.values() for place, _ in uses)
    missing = dict(wanted)
    for file in files:
        if "fname" not in file:  # the end of a shard
            continue
        for place, role in missing.pop((file["__url__"], file["fname"]), ()):
            pair = passed.setdefault(place, {})
            pair[role] = file["data"]
            if len(pair) == num_crops[place]:
                yield place, passed.pop(place)
    if missing:
        url, name = next(iter(missing))
        raise ManifestError(
            f"{url}: no {name} in it, but the manifest says so ({len(missing)} such crops). The "
            "shard was replaced; copy both again"
        )


def mixed(pairs: Iterable[PassedPair], *, rng: np.random.Generator) -> Iterator[PassedPair]:
    """Yield pairs in another order: each is drawn among 1,000 that wait."""
    waiting: list[PassedPair] = []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == _MIXED_PAIRS:
            place = int(rng.integers(len(waiting)))
            waiting[place], waiting[-1] = waiting[-1], waiting[place]
            yield waiting.pop()
    for place in rng.permutation(len(waiting)).tolist():
        yield waiting[place]
