"""Files that are whole or absent: places that cannot be written, and what killed writers left."""

import errno
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import commands.files
from commands.files import TEMPORARY, whole_file
from commands.termination import cleaned_at_termination

_WRITER = """
import sys, time
from pathlib import Path
from commands.files import whole_file
from commands.termination import cleaned_at_termination
with cleaned_at_termination(), whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def start_writer(path: Path) -> subprocess.Popen[str]:
    """Start a process that is in the middle of writing a file."""
    command = [sys.executable, "-c", _WRITER, str(path)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    killed = start_writer(tmp_path / "a.txt")
    killed.kill()
    killed.communicate()
    assert len(names(tmp_path)) == 1
    with whole_file(tmp_path / "b.txt") as temporary:
        temporary.write_text("b")
    assert names(tmp_path) == ["b.txt"]


def test_the_file_of_a_living_writer_stays(tmp_path: Path) -> None:
    living = start_writer(tmp_path / "a.txt")
    try:
        (unfinished,) = names(tmp_path)
        with whole_file(tmp_path / "b.txt") as temporary:
            temporary.write_text("b")
        assert names(tmp_path) == sorted([unfinished, "b.txt"])
    finally:
        living.kill()
        living.communicate()


def test_a_file_of_another_host_stays(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}00000000-1").touch()
    with whole_file(tmp_path / "b.txt") as temporary:
        temporary.write_text("b")
    assert names(tmp_path) == [f"{TEMPORARY}00000000-1", "b.txt"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_writer_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    writer = start_writer(tmp_path / "a.txt")
    writer.send_signal(number)
    writer.communicate(timeout=30)
    assert writer.returncode == 128 + number
    assert names(tmp_path) == []


def test_an_ignored_signal_stays_ignored_and_handlers_come_back(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with cleaned_at_termination():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_threads_that_write_into_one_folder_do_not_take_each_others_files(tmp_path: Path) -> None:
    failed: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(20):
                with whole_file(tmp_path / f"{number}.txt") as temporary:
                    temporary.write_text(f"{turn}")
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert names(tmp_path) == [f"{number}.txt" for number in range(8)]


@pytest.mark.parametrize("inside", [".", "new/folder"])
def test_a_place_that_cannot_be_written_is_named_with_the_file_that_was_to_be(
    tmp_path: Path, inside: str
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / inside / "a.txt"
    with pytest.raises(OSError, match="Not a directory") as caught:
        whole_file(path).__enter__()
    assert caught.value.filename == str(path)
    assert names(tmp_path) == ["file"]


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError, match="Nothing can be written there") as caught:
        whole_file(tmp_path / "taken").__enter__()
    assert caught.value.filename == str(tmp_path / "taken")
    assert names(tmp_path) == ["taken"]


def test_a_full_disk_is_named_with_the_file_that_was_to_be(tmp_path: Path) -> None:
    def write() -> None:
        with whole_file(tmp_path / "a.txt"), Path("/dev/full").open("w") as full:
            full.write("x")

    with pytest.raises(OSError, match="Make room, and run the same command again") as caught:
        write()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "a.txt"))
    assert names(tmp_path) == []


def test_an_interrupt_at_any_line_before_the_block_leaves_nothing(tmp_path: Path) -> None:
    lines, entered = 0, False
    while not entered:
        lines += 1
        entered = write_interrupted(tmp_path / "a.txt", after=lines)
        assert list(tmp_path.iterdir()) == []
    assert lines > 10


def write_interrupted(path: Path, *, after: int) -> bool:
    """Interrupt at the given line of the module; return True if its block was reached before."""
    left, reached = after, False

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != commands.files.__file__:
            return None
        left -= event == "line"
        if event == "line" and left == 0:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    with suppress(KeyboardInterrupt):
        sys.settrace(trace)
        try:
            with whole_file(path):
                sys.settrace(before)
                reached = True
                raise KeyboardInterrupt
        finally:
            sys.settrace(before)
    return reached
