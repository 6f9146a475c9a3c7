"""Running shard tasks here, in other processes or on a cluster, through one interface."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import Any, TypeVar

import cv2

from datasets.tracks import SourceError

Task = TypeVar("Task")
Result = TypeVar("Result")


class HereExecutor(Executor):
    """Runs each task in this thread, when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def open_executor(*, workers: int, cluster: str) -> AbstractContextManager[Executor]:
    """Return an executor: a Dask cluster's if one is given, else of so many processes here."""
    if cluster:
        return _cluster_executor(cluster)
    if workers <= 1:
        return HereExecutor()
    spawn = get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_start_worker)


def run_tasks(
    executor: Executor, function: Callable[[Task], Result], tasks: Sequence[Task], *, at_once: int
) -> Iterator[tuple[Task, Result]]:
    """Yield tasks and their results as they become ready; the first error stops the others.

    Args:
        executor: Who runs them.
        function: What to run; other processes import it by name.
        tasks: Its arguments.
        at_once: How many tasks to hand to the executor before one of them is done.

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
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise SourceError(
            "a worker process died, perhaps out of memory. Run the same command again: it goes on "
            "where it stopped; fewer --workers take less memory"
        ) from None
    finally:
        for future in running:
            future.cancel()


@contextmanager
def _cluster_executor(address: str) -> Iterator[Executor]:
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
        except KilledWorker as error:
            raise SourceError(
                f"{address}: a task lost several workers, perhaps out of memory ({error}). Give "
                "them more memory, and run the same command again: it goes on where it stopped"
            ) from None


def _start_worker() -> None:
    """Set up a worker process: one thread for OpenCV, and an end when its parent has ended."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
