"""The order in which an epoch uses shards that are fetched first.

Tracks are drawn over all shards, but the pairs are ordered so that those of a few shards, a window,
come one after another. While one window is trained on, the next is fetched; each shard is fetched
once per epoch.
"""

import numpy as np
from numpy.typing import NDArray

from sampling.rng import windows_rng
from sampling.track_table import TrackTable


def draw_windows(
    tracks: TrackTable,
    shard_bytes: NDArray[np.int64],
    *,
    window_bytes: int,
    seed: int,
    epoch: int,
    grow: bool = False,
) -> NDArray[np.int64]:
    """Return (S,) the window of each shard; windows are numbered in the order of their use.

    Shards that share a track stay together; beyond that, the order of the shards is random.

    Args:
        tracks: All tracks that may be drawn.
        shard_bytes: (S,) cost of fetching each shard; 0 for one on a local disk.
        window_bytes: Largest sum of a window's shards.
        seed: Seed of the run.
        epoch: Number of the epoch.
        grow: Enlarge the windows if need be for shards that a track holds together.

    Raises:
        ValueError: Without ``grow``, shards that a track holds together do not fit into a window.
    """
    first, last = tracks.shards.astype(np.int64).T
    used = np.zeros(shard_bytes.size + 1, np.int64)  # +1 where a track's shards begin, -1 after
    np.add.at(used, first, 1)
    np.add.at(used, last + 1, -1)
    is_used = np.cumsum(used)[:-1] > 0
    joins_next = np.zeros(shard_bytes.size + 1, np.int64)
    np.add.at(joins_next, first, 1)
    np.add.at(joins_next, last, -1)
    begins = np.concatenate([[True], np.cumsum(joins_next)[: shard_bytes.size - 1] == 0])
    chain = np.cumsum(begins) - 1  # (S,) shards that a track joins have the same number
    chain_bytes = np.bincount(chain, np.where(is_used, shard_bytes, 0)).astype(np.int64)
    largest = int(chain_bytes.max())
    if grow:
        window_bytes = max(window_bytes, largest)
    if largest > window_bytes:
        raise ValueError(
            f"tracks join shards of {largest / 1e6:.0f} MB, which have to be fetched together, but "
            f"half the shard cache is {window_bytes / 1e6:.0f} MB. Enlarge the cache"
        )
    window_of_chain = np.zeros(chain_bytes.size, np.int64)
    window = filled = 0
    for number in windows_rng(seed, epoch).permutation(chain_bytes.size).tolist():
        if filled + chain_bytes[number] > window_bytes:
            window, filled = window + 1, 0
        filled += int(chain_bytes[number])
        window_of_chain[number] = window
    windows: NDArray[np.int64] = window_of_chain[chain]
    return windows
