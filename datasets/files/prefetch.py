"""Reading files in a given order; remote ones are read ahead."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from datasets.files.folders import RawFiles

_THREADS = 8
_AHEAD = 24
"""Files in memory at once; a frame is 0.1 to 1 MB."""


def prefetch(files: RawFiles, names: Sequence[str]) -> Iterator[Callable[[], bytes]]:
    """Yield a function per name that returns the file's content or raises its error.

    A request to an object store takes tens of milliseconds, several times as long as cutting, so
    threads read the files of a remote root while earlier ones are cut.
    """
    if "://" not in files.root:
        for name in names:
            yield partial(files.read, name)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[bytes]] = deque()
        try:
            for name in names:
                waiting.append(pool.submit(files.read, name))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result
            while waiting:
                yield waiting.popleft().result
        finally:
            pool.shutdown(cancel_futures=True)
