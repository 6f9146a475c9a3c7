"""Executors: counters and errors of worker processes."""

import logging
import os
import signal
import threading
import time

import pytest

from datasets.executors import count_done, open_workers, run_tasks
from datasets.tracks import SourceError


def count_up(number: int) -> int:
    for _ in range(number):
        count_done(1, 2)
    return number


def die_while_counting(number: int) -> None:
    threading.Thread(target=count_up, args=(10**9,), daemon=True).start()
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


def warn(name: str) -> None:
    logging.getLogger(__name__).warning("%s: 16 bits", name)


def test_what_a_worker_logs_is_printable_and_without_passwords(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with open_workers(1) as (workers, _):
        workers.submit(warn, "https://user:hunter2@host/\x1b[2J").result()
    assert capfd.readouterr().err == "WARNING https://***@host/\\x1b[2J: 16 bits\n"


def test_the_counters_are_the_sums_over_all_workers() -> None:
    with open_workers(2) as (workers, count):
        tasks = [100, 200, 300]
        done = dict(run_tasks(workers, count_up, tasks, at_once=2, beat=count))
        assert done == dict(zip(tasks, tasks, strict=True))
        assert count() == (600, 1200)


@pytest.mark.timeout(60)
def test_workers_killed_while_they_count_keep_nobody_waiting() -> None:
    with (
        open_workers(2) as (workers, count),
        pytest.raises(SourceError, match="a worker process died"),
    ):
        list(run_tasks(workers, die_while_counting, range(2), at_once=2, beat=count))
