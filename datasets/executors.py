"""Executors of tasks, such as shards and sequences: this thread, local processes, a cluster."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from commands.safe_text import log_to_stderr, make_printable
from datasets.files.folders import plain_path
from datasets.tracks import SourceError

logger = logging.getLogger(__name__)

Task = TypeVar("Task")
Result = TypeVar("Result")


_BEAT_S = 0.2
"""Interval of progress updates."""
_done: Any = None
"""In a worker process, its own two counters in memory that it shares with its parent."""


def count_done(number: int, added: int = 0) -> None:
    """Add to the counters of `open_workers`; do nothing in other processes.

    Args:
        number: Targets or frames that are finished.
        added: Those needed beyond the expected number.
    """
    if _done is not None:
        _done[0] += number
        _done[1] += added


class HereExecutor(Executor):
    """Runs each task in this thread at its submission."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class QuietPool(ProcessPoolExecutor):
    """Worker processes that end silently at Ctrl-C; their initializer is `start_worker`."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the future of a call; starts a worker if all are busy."""
        # Ctrl-C during the imports of a process prints a traceback: the signal is blocked until
        # `start_worker`, and here until the process is started.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def open_workers(workers: int) -> Iterator[tuple[Executor, Callable[[], tuple[int, int]]]]:
    """Yield an executor of local processes, and a function returning the sums of their counters.

    Each process has counters of its own, without a lock: one that is killed while it holds a lock
    would block all others, and this one.
    """
    spawn = get_context("spawn")
    counters = spawn.RawArray("q", 2 * workers)
    numbers = spawn.SimpleQueue()
    for number in range(workers):
        numbers.put(number)
    with QuietPool(
        workers, mp_context=spawn, initializer=_start_counting_worker, initargs=(counters, numbers)
    ) as executor:
        yield executor, lambda: (sum(counters[::2]), sum(counters[1::2]))


def run_tasks(
    executor: Executor,
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    at_once: int,
    beat: Callable[[], object],
) -> Iterator[tuple[Task, Result]]:
    """Yield tasks and their results as they become ready; the first error stops the others.

    Args:
        executor: The executor.
        function: The function to run; other processes import it by name.
        tasks: Its arguments.
        at_once: Number of tasks in the executor at a time.
        beat: Called five times per second while they run.

    Raises:
        SourceError: A worker process died.
    """
    remaining = iter(tasks)
    running: dict[Future[Result], Task] = {}
    try:
        while True:
            while len(running) < at_once and (task := next(remaining, None)) is not None:
                running[executor.submit(function, task)] = task
            if not running:
                return
            done, _ = wait(running, timeout=_BEAT_S, return_when=FIRST_COMPLETED)
            beat()
            for future in done:
                yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise lost_worker() from None
    except Exception:
        if num_left := sum(not future.cancel() for future in running):
            logger.info("an error; the %d tasks in flight are finished first", num_left)
        raise
    finally:
        for future in running:
            future.cancel()


def lost_worker() -> SourceError:
    """Return the error for a worker process that died."""
    return SourceError(
        "a worker process died, perhaps out of memory. Run the same command again: it goes on "
        "where it stopped; fewer --workers take less memory"
    )


def reachable(url: str) -> str:
    """Return a path or URL that is valid in workers of a cluster, whose current folders differ."""
    path = plain_path(url)
    return path if "://" in path else str(Path(path).absolute())


@contextmanager
def open_cluster(address: str) -> Iterator[Executor]:
    """Yield the executor of a Dask cluster, given the address of its scheduler.

    Raises:
        SourceError: Dask is not installed, no scheduler answers, it has gone, or a task has lost
            several workers.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise SourceError(
            "--cluster needs Dask. Install it with: python -m pip install distributed"
        ) from None
    try:
        client = Client(address, timeout=20, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{address}: no Dask scheduler answers ({error}). Start one, or check --cluster"
        ) from None
    with client:
        client.register_worker_callbacks(setup=hide_credentials)  # type: ignore[no-untyped-call]
        try:
            yield client.get_executor(pure=False)  # type: ignore[no-untyped-call]
        except CancelledError:
            raise SourceError(
                f"{address}: the Dask scheduler has gone. Start it, and run the same command "
                "again: it goes on where it stopped"
            ) from None
        except KilledWorker as error:
            raise SourceError(
                f"{address}: a task lost several workers, perhaps out of memory ({error}). Give "
                "them more memory, and run the same command again: it goes on where it stopped"
            ) from None


def hide_credentials() -> None:
    """Take credentials out of the log of this Dask worker, which shows tasks that failed."""
    log_to_stderr(logging.WARNING)
    logging.getLogger("distributed.worker").addFilter(make_printable)


def _start_counting_worker(counters: Any, numbers: Any) -> None:
    global _done
    number = numbers.get()
    _done = np.frombuffer(counters, np.int64)[2 * number : 2 * number + 2]
    start_worker()


def start_worker() -> None:
    """Make this worker process end at once at Ctrl-C or when its parent has ended."""
    log_to_stderr(logging.WARNING)
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
