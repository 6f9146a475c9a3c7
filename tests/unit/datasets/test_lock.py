"""One command at a time in one folder: the lock's holder is judged by its beat, by no clock."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from datasets.files import lock
from datasets.files.lock import NAME, only_one
from datasets.files.output import Output
from datasets.tracks import SourceError
from tests.support import ROOT

HOLD = """
import sys, time
from datasets.files import lock
from datasets.files.output import Output
lock._BEAT_S, lock._machine = 0.05, lambda: sys.argv[2]
with lock.only_one(Output(sys.argv[1]), doing="working"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("_BEAT_S", 0.05), ("_LOOK_S", 0.02), ("_STALE_S", 3.0)):
        monkeypatch.setattr(lock, name, seconds)


@pytest.fixture
def holders() -> Iterator[list["subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def hold(folder: Path, *, machine: str) -> "subprocess.Popen[str]":
    """Start a process that holds the folder and says that it is of some machine."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), machine],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def without_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process see a disk that does not carry flock from the other machine."""
    monkeypatch.setattr(fcntl, "flock", lambda file, kind: None)


def test_the_second_is_refused_with_the_first_ones_name_and_follows_it(
    tmp_path: Path, holders: list["subprocess.Popen[str]"]
) -> None:
    holders.append(hold(tmp_path / "a", machine=lock._machine()))
    for folder in (tmp_path / "a", tmp_path / "b/../a"):
        (tmp_path / "b").mkdir(exist_ok=True)
        message = rf"process {holders[0].pid} on .* is working here\. Wait for it, .* another --out"
        with pytest.raises(SourceError, match=message), only_one(Output(str(folder)), doing="x"):
            pass
    started = time.monotonic()
    holders[0].kill()
    holders[0].wait()
    with only_one(Output(str(tmp_path / "a")), doing="x"):
        assert time.monotonic() - started < 2  # at once: the system says that it is dead
    assert not (tmp_path / "a").joinpath(NAME).exists()


def test_a_living_holder_on_another_machine_keeps_it_whatever_the_clocks_say(
    tmp_path: Path, holders: list["subprocess.Popen[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    holders.append(hold(tmp_path, machine="another"))
    without_flock(monkeypatch)
    for skew in (-1e6, 1e6):
        now = time.time() + skew
        monkeypatch.setattr(time, "time", lambda now=now: now)
        with (
            pytest.raises(SourceError, match="is working here"),
            only_one(Output(str(tmp_path)), doing="x"),
        ):
            pass
    holders[0].send_signal(signal.SIGSTOP)  # as good as dead for who can only watch
    with only_one(Output(str(tmp_path)), doing="x"):
        content = json.loads((tmp_path / NAME).read_text())
        assert content["process"] == os.getpid()


def test_who_is_overtaken_says_so_and_leaves_the_others_lock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with only_one(Output(str(tmp_path)), doing="x"):
        (tmp_path / NAME).write_text('{"host": "alpha", "process": 4711}')
        deadline = time.monotonic() + 10
        while "process 4711 on alpha has taken over" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert "4711" in (tmp_path / NAME).read_text()


def test_of_many_that_start_together_one_gets_it(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"host": "alpha", "process": 1, "machine": "dead"}')
    held, refused = [], []
    done = threading.Event()

    def ask() -> None:
        try:
            with only_one(Output(str(tmp_path)), doing="x"):
                held.append(1)
                done.wait(20)
        except SourceError:
            refused.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while len(held) + len(refused) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    done.set()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)


def test_folders_made_for_the_lock_go_with_it(tmp_path: Path) -> None:
    with only_one(Output(str(tmp_path / "a/b")), doing="x"):
        pass
    assert list(tmp_path.iterdir()) == []
