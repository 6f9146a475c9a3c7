"""Track many sequences, in this process or in several."""

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch
from tqdm import tqdm

from datasets.files import open_root
from evaluation.onepass import has_result, track_into
from evaluation.sequences import Benchmark, BenchmarkSequence
from evaluation.supervised import is_complete, repeat_supervised
from tracking.tracker import BoxTracker

_TRACKER: list[BoxTracker] = []
"""The one tracker of a worker process, made when the process starts."""


def track_all(
    make_tracker: Callable[[], BoxTracker], benchmark: Benchmark, folder: Path, *, workers: int = 1
) -> None:
    """Track every sequence that has no result in ``folder`` yet, with a progress bar.

    Args:
        make_tracker: Makes a tracker, once per process. With several workers it must be a function
            of a module, or a ``functools.partial`` of one.
        benchmark: What to track.
        folder: Where the results go. A sequence is written when it is complete.
        workers: Processes; each takes the next sequence when it has finished one.
    """
    is_done = is_complete if benchmark.supervised else has_result
    missing = [each for each in benchmark.sequences if not is_done(each, folder)]
    missing.sort(key=lambda each: -len(each.frames))  # a long one last would leave workers idle
    with tqdm(
        total=benchmark.num_frames,
        initial=benchmark.num_frames - sum(len(each.frames) for each in missing),
        desc=folder.name,
        unit="frame",
        unit_scale=True,
        file=sys.stderr,
        disable=None,
    ) as bar:
        if workers > 1 and len(missing) > 1:
            _track_in_processes(make_tracker, benchmark, missing, folder, workers, bar)
        elif missing:
            tracker = make_tracker()
            for sequence in missing:
                _track(tracker, sequence, benchmark.files.root, folder, benchmark.supervised)
                bar.update(len(sequence.frames))


def _track_in_processes(
    make_tracker: Callable[[], BoxTracker],
    benchmark: Benchmark,
    missing: list[BenchmarkSequence],
    folder: Path,
    workers: int,
    bar: "tqdm[None]",
) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(missing)),
        mp_context=context,
        initializer=_start_worker,
        initargs=(make_tracker,),
    ) as pool:
        root, supervised = benchmark.files.root, benchmark.supervised
        futures = {
            pool.submit(_track_in_worker, each, root, folder, supervised): each for each in missing
        }
        try:
            for future in as_completed(futures):
                future.result()
                bar.update(len(futures[future].frames))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker(make_tracker: Callable[[], BoxTracker]) -> None:
    torch.set_num_threads(1)
    _TRACKER[:] = [make_tracker()]


def _track_in_worker(
    sequence: BenchmarkSequence, root: str, folder: Path, supervised: bool
) -> None:
    _track(_TRACKER[0], sequence, root, folder, supervised)


def _track(
    tracker: BoxTracker, sequence: BenchmarkSequence, root: str, folder: Path, supervised: bool
) -> None:
    track = repeat_supervised if supervised else track_into
    track(tracker, sequence, open_root(root), folder)
