"""Executors of shard tasks: this thread, local processes, a cluster."""

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
from typing import Any, TypeVar

import cv2

from datasets.tracks import SourceError

logger = logging.getLogger(__name__)

Task = TypeVar("Task")
Result = TypeVar("Result")


_BEAT_S = 0.5
"""Interval of progress updates."""
_done: Any = None
"""In a worker process, the counter that it shares with its parent."""


def count_done(number: int) -> None:
    """Add to the counter of `open_workers`; do nothing in other processes."""
    if _done is not None:
        with _done.get_lock():
            _done.value += number


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
def open_workers(workers: int) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """Yield an executor of local processes, and a function returning their finished targets."""
    spawn = get_context("spawn")
    done = spawn.Value("q", 0)
    with QuietPool(
        workers, mp_context=spawn, initializer=_start_build_worker, initargs=(done,)
    ) as executor:
        yield executor, lambda: int(done.value)


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
        beat: Called twice per second while they run.

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
        raise SourceError(
            "a worker process died, perhaps out of memory. Run the same command again: it goes on "
            "where it stopped; fewer --workers take less memory"
        ) from None
    except Exception:
        if num_left := sum(not future.cancel() for future in running):
            logger.info("an error; the %d shards in flight are finished first", num_left)
        raise
    finally:
        for future in running:
            future.cancel()


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


def _start_build_worker(done: Any) -> None:
    global _done
    _done = done
    cv2.setNumThreads(1)
    start_worker()


def start_worker() -> None:
    """Make this worker process end at once at Ctrl-C or when its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
