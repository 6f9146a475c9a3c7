"""Track many sequences, in this process or in several, with a progress bar of frames."""

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from datasets.files import RawFiles, open_root
from datasets.shards.executors import QuietPool, start_worker
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark, Progress, TrackSequence
from evaluation.results.tracked_on import record_tracked_on
from evaluation.sequences import BenchmarkSequence
from tracking.interface import BoxTracker

_LOG_S = 60.0
"""Seconds between two lines of progress in a log file."""
_POLL_S = 0.2
"""Seconds between two checks of the workers' progress."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """How to turn a sequence into result files; sent to worker processes."""

    make_tracker: Callable[[], BoxTracker]
    root: str
    folder: Path
    track: TrackSequence


@dataclass(frozen=True, kw_only=True)
class _Worker:
    """State of a worker process between sequences."""

    job: Job
    tracker: BoxTracker
    files: RawFiles
    counts: Any
    """Shared array of two: frames done, and frames needed beyond those expected."""


_WORKER: list[_Worker] = []
"""State of this process, if it is a worker."""


def track_all(
    make_tracker: Callable[[], BoxTracker], benchmark: Benchmark, folder: Path, *, workers: int = 1
) -> None:
    """Track every sequence that has no result in ``folder`` yet, with a progress bar.

    Args:
        make_tracker: Makes a tracker, once per process. With several workers it must be a function
            of a module, or a ``functools.partial`` of one.
        benchmark: The sequences to track.
        folder: Where the results go. A sequence is written when it is complete.
        workers: Processes; each takes the next sequence when it has finished one.

    Raises:
        SourceError: The folder's results were tracked on another truth or on other frames.
    """
    record_tracked_on(benchmark, folder)
    protocol = benchmark.protocol
    left = {each.name: protocol.count_frames_left(each, folder) for each in benchmark.sequences}
    missing = [each for each in benchmark.sequences if left[each.name]]
    missing.sort(key=lambda each: -left[each.name])  # a long one last would leave workers idle
    if not missing:
        return
    job = Job(
        make_tracker=make_tracker,
        root=benchmark.files.root,
        folder=folder,
        track=protocol.track,
    )
    with tqdm(
        total=sum(left.values()),
        desc=folder.name,
        unit="frame",
        file=sys.stderr,
        mininterval=0.1 if sys.stderr.isatty() else _LOG_S,
    ) as bar:

        def report(done: int, added: int = 0) -> None:
            bar.total += added
            bar.update(done)

        if workers > 1 and len(missing) > 1:
            _track_in_processes(job, missing, min(workers, len(missing)), report)
        else:
            tracker = make_tracker()
            for sequence in missing:
                protocol.track(tracker, sequence, benchmark.files, folder, report=report)


def _track_in_processes(
    job: Job, missing: Sequence[BenchmarkSequence], workers: int, report: Progress
) -> None:
    context = multiprocessing.get_context("spawn")
    counts: Any = context.Array("q", 2)
    with QuietPool(
        workers, mp_context=context, initializer=_start_worker, initargs=(job, counts)
    ) as pool:
        waiting = {pool.submit(_track_in_worker, each) for each in missing}
        shown = (0, 0)
        try:
            while waiting:
                finished, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
                done, added = counts[:]
                report(done - shown[0], added - shown[1])
                shown = (done, added)
                for future in finished:
                    future.result()
        except BrokenProcessPool:
            raise SourceError(
                f"--workers: one of {workers} processes ended by itself, most likely for lack of "
                "memory. Pass fewer; the same command goes on where it stopped"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker(job: Job, counts: Any) -> None:
    start_worker()
    torch.set_num_threads(1)
    worker = _Worker(job=job, tracker=job.make_tracker(), files=open_root(job.root), counts=counts)
    _WORKER[:] = [worker]


def _track_in_worker(sequence: BenchmarkSequence) -> None:
    (worker,) = _WORKER

    def report(done: int, added: int = 0) -> None:
        with worker.counts.get_lock():
            worker.counts[0] += done
            worker.counts[1] += added

    worker.job.track(worker.tracker, sequence, worker.files, worker.job.folder, report=report)
