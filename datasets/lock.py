"""One build at a time in one output folder; the second learns who the first is."""

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.output import Output
from datasets.tracks import SourceError
from manifests.cli import one_line

logger = logging.getLogger(__name__)

_NAME = ".build/lock.json"
_BEAT_S = 20.0
"""How often the holder of a lock in a bucket says that it is alive."""
_STALE_S = 90.0
"""After how much silence such a lock is free again."""


@contextmanager
def only_build(output: Output) -> Iterator[None]:
    """Hold the output's lock for the duration of the block.

    On a local disk (or a shared one that supports flock) the system frees the lock of a process
    that was killed at once; in a bucket it is free after a minute and a half without a sign.

    Raises:
        SourceError: Another build holds it; the message has its host and process.
    """
    with _lock_file(output) if output.is_local else _lock_object(output):
        yield


@contextmanager
def _lock_file(output: Output) -> Iterator[None]:
    path = Path(output.where(_NAME))
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise _in_use(output, file.read()) from None
            except OSError as error:  # a network disk that knows no locks
                raise OSError(error.errno, error.strerror, str(path)) from error
            if not path.exists() or os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                continue  # the holder before removed it between opening and locking
            file.truncate(0)
            file.write(_signature())
            file.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
                _remove_if_empty(*(made or [path.parent]))
            return


@contextmanager
def _lock_object(output: Output) -> Iterator[None]:
    if not output.create(_NAME, _signature().encode()):
        holder = output.read(_NAME).decode()
        if time.time() - json.loads(holder)["time"] < _STALE_S:
            raise _in_use(output, holder)
        output.write(_NAME, _signature().encode())
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_BEAT_S):
            try:
                output.write(_NAME, _signature().encode())
            except OSError as error:  # the next beat may come through
                logger.warning("%s", one_line(error))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        output.remove(_NAME)


def _remove_if_empty(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir() and next(folder.iterdir(), None) is None:
            folder.rmdir()


def _signature() -> str:
    who = {"host": socket.gethostname(), "process": os.getpid(), "time": time.time()}
    return json.dumps(who)


def _in_use(output: Output, holder: str) -> SourceError:
    try:
        who = json.loads(holder)
        name = f"process {who['process']} on {who['host']}"
    except (ValueError, KeyError):  # it is just being written
        name = "another process"
    return SourceError(
        f"{output.url}: {name} is building here. Wait for it, stop it, or pass another --out"
    )
