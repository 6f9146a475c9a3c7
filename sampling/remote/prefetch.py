"""Fetching of the next window's shards while the pairs of this window are made."""

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sampling.pair_index import Shard, used_shards

logger = logging.getLogger(__name__)

_NOTABLE_S = 0.01


class Lease(Protocol):
    """A fetched shard."""

    def close(self) -> None:
        """Release it."""


class ShardStore(Protocol):
    """A way to fetch shards; safe for several threads."""

    def is_fetched(self, shard: Shard) -> bool:
        """Return True if a shard has to be fetched before it is read."""

    def fetch(self, shard: Shard) -> Lease:
        """Fetch a shard."""

    def close(self) -> None:
        """Make all waiting `fetch` calls give up."""


class Prefetch:
    """Holds the shards of one window and fetches those of the next.

    Args:
        store: Fetches them.
        shards: All shards, in the order in which records count them.
        records: (P,) the pairs that will be made, in this order.
        windows: (S,) window of each shard; None where nothing is fetched.
        threads: Shards that are fetched at the same time.
    """

    def __init__(
        self,
        store: ShardStore,
        shards: Sequence[Shard],
        records: NDArray[np.void],
        windows: NDArray[np.int64] | None,
        *,
        threads: int,
    ) -> None:
        self.waited_s = 0.0
        """Time in which pairs waited for shards, but for the first window."""
        self._store = store
        self._needed: dict[int, list[int]] = {}
        if windows is not None:
            for number in used_shards(records):
                own = self._needed.setdefault(int(windows[number]), [])
                if store.is_fetched(shards[number]):
                    own.append(number)
        self._shards, self._windows = shards, windows
        self._order = sorted(self._needed)
        self._leases: dict[int, dict[int, Future[Lease]]] = {}
        self._queue: SimpleQueue[tuple[Shard, Future[Lease]] | None] = SimpleQueue()
        for number in range(threads if self._order else 0):
            # daemons: a download never keeps a process alive that has ended otherwise
            Thread(
                target=_serve, args=(store, self._queue), name=f"shards-{number}", daemon=True
            ).start()
        for window in self._order[:2]:
            self._fetch(window)

    def is_ready(self, records: NDArray[np.void]) -> bool:
        """Return True if all shards of some pairs are there."""
        return all(
            window in self._leases and all(lease.done() for lease in self._leases[window].values())
            for window in self._windows_of(records)
        )

    def wait_for(self, records: NDArray[np.void]) -> None:
        """Wait until the shards of some pairs are there.

        Raises:
            ManifestError: A shard is missing, or is not the one that the manifest describes.
            OSError: A shard could not be read, or there is no room for it.
        """
        start = time.monotonic()
        for window in self._windows_of(records):
            self._fetch(window)
            for lease in self._leases[window].values():
                lease.result()
            waited = time.monotonic() - start
            if window != self._order[0] and waited > _NOTABLE_S:
                self.waited_s += waited
                logger.info("waited %.1f s for the shards of window %d", waited, window)

    def lease(self, number: int) -> Lease:
        """Return a shard of a window that was waited for and not released since."""
        assert self._windows is not None
        return self._leases[int(self._windows[number])][number].result()

    def reach(self, records: NDArray[np.void]) -> None:
        """Release earlier windows' shards and prefetch the window after that of ``records``."""
        if not self._order:
            return
        first = self._windows_of(records)[0]
        for earlier in [window for window in self._leases if window < first]:
            _release(self._leases.pop(earlier).values())
        for following in [window for window in self._order if window >= first][:2]:
            self._fetch(following)

    def close(self) -> None:
        """Stop fetching and release all shards."""
        self._store.close()
        self._queue.put(None)
        for leases in self._leases.values():
            _release(leases.values())
        self._leases.clear()

    def _windows_of(self, records: NDArray[np.void]) -> list[int]:
        if self._windows is None:
            return []
        numbers: list[int] = np.unique(self._windows[records["template"]["shard"]]).tolist()
        return numbers

    def _fetch(self, window: int) -> None:
        if window in self._leases:
            return
        self._leases[window] = {number: Future() for number in self._needed[window]}
        for number, lease in self._leases[window].items():
            self._queue.put((self._shards[number], lease))


def _serve(store: ShardStore, queue: SimpleQueue[tuple[Shard, Future[Lease]] | None]) -> None:
    while (work := queue.get()) is not None:
        shard, lease = work
        try:
            lease.set_result(store.fetch(shard))
        except Exception as error:  # any kind: a lease that is never settled would hang
            lease.set_exception(error)  # raised where the shard is waited for
    queue.put(None)  # for the next thread


def _release(leases: "Iterable[Future[Lease]]") -> None:
    for lease in leases:
        lease.add_done_callback(_close)


def _close(lease: "Future[Lease]") -> None:
    if lease.exception() is None:
        lease.result().close()
