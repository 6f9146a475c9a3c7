"""Track many sequences: here, in local processes, in lockstep or on a cluster, with progress."""

import pickle
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from datasets.executors import count_done, open_cluster, open_workers, run_tasks
from datasets.files import RawFiles, open_root
from evaluation.benchmark import Benchmark, Progress, TrackSequence
from evaluation.results.tracked_on import record_tracked_on
from evaluation.runs.lockstep import track_in_lockstep
from evaluation.sequences import BenchmarkSequence
from tracking.interface import BoxTracker


@dataclass(frozen=True, kw_only=True)
class Job:
    """How to turn a sequence into result files; sent to worker processes."""

    make_tracker: Callable[[], BoxTracker]
    root: str
    folder: Path
    track: TrackSequence


class _Kept(threading.local):
    """Tracker and files of a worker's thread, kept from sequence to sequence of a job."""

    job = b""
    tracker: BoxTracker
    files: RawFiles


_KEPT = _Kept()


def track_all(
    make_tracker: Callable[[], BoxTracker],
    benchmark: Benchmark,
    folder: Path,
    *,
    workers: int = 1,
    batch: int = 1,
    cluster: str | None = None,
) -> None:
    """Track every sequence that has no result in ``folder`` yet, with a progress bar.

    Args:
        make_tracker: Makes a tracker, once per process. With several workers it must be a function
            of a module, or a ``functools.partial`` of one.
        benchmark: The sequences to track.
        folder: Where the results go. A sequence is written when it is complete.
        workers: Processes; each takes the next sequence when it has finished one. In lockstep
            they read and crop, and the network runs here.
        batch: Sequences that advance in lockstep, by one call of the network.
        cluster: Address of a Dask scheduler, whose workers track; None for none.

    Raises:
        SourceError: The folder's results were tracked on another truth or on other frames, or a
            worker or the cluster failed.
    """
    record_tracked_on(benchmark, folder)
    protocol = benchmark.protocol
    left = {
        sequence.name: protocol.count_frames_left(sequence, folder)
        for sequence in benchmark.sequences
    }
    missing = [sequence for sequence in benchmark.sequences if left[sequence.name]]
    # the longest first: at the end it would leave workers idle
    missing.sort(key=lambda sequence: -left[sequence.name])
    if not missing:
        return
    with tqdm(
        total=sum(left.values()),
        desc=folder.name,
        unit="frame",
        disable=None,
    ) as bar:

        def report(done: int, added: int = 0) -> None:
            bar.total += added
            bar.update(done)

        if batch > 1:
            track_in_lockstep(
                *(make_tracker(), benchmark, missing, folder),
                slots=min(batch, len(missing)),
                workers=workers,
                report=report,
            )
        elif cluster or (workers > 1 and len(missing) > 1):
            root = benchmark.files.root
            job = Job(make_tracker=make_tracker, root=root, folder=folder, track=protocol.track)
            _track_elsewhere(job, missing, workers=workers, cluster=cluster, report=report)
        else:
            tracker = make_tracker()
            for sequence in missing:
                protocol.track(tracker, sequence, benchmark.files, folder, report=report)


def _track_elsewhere(
    job: Job,
    missing: Sequence[BenchmarkSequence],
    *,
    workers: int,
    cluster: str | None,
    report: Progress,
) -> None:
    """Track in local processes or on a cluster, which reports whole sequences only."""
    shown = (0, 0)
    count: Callable[[], tuple[int, int]] | None = None

    def show() -> None:
        nonlocal shown
        if count is not None:
            done, added = count()
            report(done - shown[0], added - shown[1])
            shown = (done, added)

    with ExitStack() as stack:
        if cluster:
            executor, at_once = stack.enter_context(open_cluster(cluster)), len(missing)
        else:
            at_once = min(workers, len(missing))
            executor, count = stack.enter_context(open_workers(at_once))
        function = partial(_track_there, job)
        for _, counts in run_tasks(executor, function, missing, at_once=at_once, beat=show):
            if cluster:
                report(*counts)
        show()


def _track_there(job: Job, sequence: BenchmarkSequence) -> tuple[int, int]:
    """Track a sequence in a worker; return the frames done, and those needed beyond."""
    key = pickle.dumps(job)
    if key != _KEPT.job:
        torch.set_num_threads(1)
        _KEPT.tracker, _KEPT.files, _KEPT.job = job.make_tracker(), open_root(job.root), key
    counts = np.zeros(2, int)

    def report(done: int, added: int = 0) -> None:
        counts[:] += done, added
        count_done(done, added)

    job.track(_KEPT.tracker, sequence, _KEPT.files, job.folder, report=report)
    return int(counts[0]), int(counts[1])
