"""Fetching the shards of the next window while the pairs of this one are made."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from sampling.cache import Lease, ShardCache
from sampling.records import Shard, used_shards
from sampling.remote import is_remote

logger = logging.getLogger(__name__)

_NOTABLE_S = 0.01


class ShardsAhead:
    """Holds the copies of one window's shards and fetches those of the next.

    Args:
        cache: Where the copies are.
        shards: All shards, in the order in which records count them.
        records: (P,) the pairs that will be made, in this order.
        windows: (S,) window of each shard; None where all shards are local and nothing is to do.
        threads: Shards that are fetched at the same time.
    """

    def __init__(
        self,
        cache: ShardCache,
        shards: Sequence[Shard],
        records: NDArray[np.void],
        windows: NDArray[np.int64] | None,
        *,
        threads: int,
    ) -> None:
        self.waited_s = 0.0
        """Time in which pairs waited for shards, but for the first window."""
        self._cache = cache
        self._needed: dict[int, list[Shard]] = {}
        if windows is not None:
            for number in used_shards(records):
                own = self._needed.setdefault(int(windows[number]), [])
                if is_remote(shards[number].url):
                    own.append(shards[number])
        self._windows = windows
        self._order = sorted(self._needed)
        self._leases: dict[int, list[Future[Lease]]] = {}
        self._queue: SimpleQueue[tuple[Shard, Future[Lease]] | None] = SimpleQueue()
        for number in range(threads if self._order else 0):
            # daemons: a download never keeps a process alive that has ended otherwise
            Thread(
                target=_serve, args=(cache, self._queue), name=f"shards-{number}", daemon=True
            ).start()
        for window in self._order[:2]:
            self._fetch(window)

    def is_ready(self, records: NDArray[np.void]) -> bool:
        """Tell whether all shards that some pairs need are there."""
        return all(
            window in self._leases and all(lease.done() for lease in self._leases[window])
            for window in self._windows_of(records)
        )

    def wait_for(self, records: NDArray[np.void]) -> None:
        """Wait until the shards that some pairs need are there.

        Raises:
            ManifestError: A shard is missing, or is not the one that the manifest describes.
            OSError: A shard could not be read, or there is no room for it.
        """
        start = time.monotonic()
        for window in self._windows_of(records):
            self._fetch(window)
            for lease in self._leases[window]:
                lease.result()
            waited = time.monotonic() - start
            if window != self._order[0] and waited > _NOTABLE_S:
                self.waited_s += waited
                logger.info("waited %.1f s for the shards of window %d", waited, window)

    def reach(self, records: NDArray[np.void]) -> None:
        """Let go of what only earlier pairs needed, and fetch the window after these ones'."""
        if not self._order:
            return
        first = self._windows_of(records)[0]
        for earlier in [window for window in self._leases if window < first]:
            _let_go(self._leases.pop(earlier))
        for following in [window for window in self._order if window >= first][:2]:
            self._fetch(following)

    def close(self) -> None:
        """Stop fetching and let everything go."""
        self._cache.close()
        self._queue.put(None)
        for leases in self._leases.values():
            _let_go(leases)
        self._leases.clear()

    def _windows_of(self, records: NDArray[np.void]) -> list[int]:
        if self._windows is None:
            return []
        numbers: list[int] = np.unique(self._windows[records["template"]["shard"]]).tolist()
        return numbers

    def _fetch(self, window: int) -> None:
        if window in self._leases:
            return
        self._leases[window] = [Future() for _ in self._needed[window]]
        for shard, lease in zip(self._needed[window], self._leases[window], strict=True):
            self._queue.put((shard, lease))


def _serve(cache: ShardCache, queue: SimpleQueue[tuple[Shard, Future[Lease]] | None]) -> None:
    while (work := queue.get()) is not None:
        shard, lease = work
        try:
            lease.set_result(cache.acquire(shard))
        except Exception as error:  # whatever it is: a lease that is never settled would hang
            lease.set_exception(error)  # raised where the shard is waited for
    queue.put(None)  # for the next thread


def _let_go(leases: Sequence[Future[Lease]]) -> None:
    for lease in leases:
        lease.add_done_callback(_close)


def _close(lease: Future[Lease]) -> None:
    if lease.exception() is None:
        lease.result().close()
