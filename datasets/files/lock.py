"""Locks of folders: one command at a time per folder, with the holder's name for the second.

The holder writes its name into the lock's file, and a new number every few seconds. Clocks of two
machines may differ by minutes and are not compared: a lock is free if its content does not change
while another process watches it, by its own clock.

On a disk the system's lock of that file (flock) decides at once, since it ends with its process.
Some shared disks do not pass it on to other machines, so the lock of another machine is watched
there, too.
"""

import errno
import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from commands.json_files import parse_json
from commands.run import one_line
from datasets.files.output import Output
from datasets.tracks import SourceError

logger = logging.getLogger(__name__)

NAME = ".lock.json"
_BEAT_S = 10.0
"""Interval of the holder's signs of life."""
_STALE_S = 90.0
"""Time without a sign of life after which the lock is free."""
_LOOK_S = 1.0
"""Interval of reading another holder's lock."""
_NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""Error numbers of disks without flock."""


@contextmanager
def only_one(
    folder: Output | Path, *, doing: str, name: str = NAME, option: str = "--out"
) -> Iterator[None]:
    """Hold the lock of a folder for the duration of the block.

    The lock of a killed process is free at once on its own machine, elsewhere after a minute and
    a half.

    Args:
        folder: The folder to lock; it is made if it does not exist.
        doing: Activity of the holder, for messages, such as ``"building"``.
        name: The lock's file in the folder.
        option: The option for another folder, for messages.

    Raises:
        SourceError: Another process holds it; the message has its host and process.
        OSError: The folder cannot be written.
    """
    output = Output(str(folder.absolute())) if isinstance(folder, Path) else folder
    lock = _Lock(output, name, doing=doing, option=option)
    made = _missing_folders(Path(output.where(name))) if output.is_local else []
    try:
        while not lock.take():
            pass
        with lock.beating():
            yield
    finally:
        lock.release()
        for folder in made:
            if folder.is_dir() and next(folder.iterdir(), None) is None:
                folder.rmdir()


def only_build(output: Output) -> AbstractContextManager[None]:
    """Hold the lock of a build's output; see `only_one`."""
    return only_one(output, doing="building", name=".build/lock.json")


class _Lock:
    """The lock's file, and the content that this process wrote into it."""

    def __init__(self, output: Output, name: str, *, doing: str, option: str) -> None:
        self._output, self._name, self._doing, self._option = output, name, doing, option
        self._where = output.where(name)
        self._own = b""
        self._file = -1
        self._has_flock = False
        who = {"host": socket.gethostname(), "process": os.getpid(), "machine": _machine()}
        self._who = who | {"doing": doing, "time": time.time(), "token": uuid.uuid4().hex}
        self._number = 0

    def take(self) -> bool:
        """Take the lock; return False if its holder has ended meanwhile, for another attempt.

        Raises:
            SourceError: Another process holds it.
        """
        self._own = self._next()
        self._output.create(self._name, self._own)
        if self._output.is_local and not self._open():
            return False
        holder = self._read()
        if holder == b"":  # it is being written, or its writer was killed
            time.sleep(_LOOK_S)
            holder = self._read()
        if holder is None:
            return False
        if holder == self._own:
            return True
        if self._has_flock and _is_here(holder):  # the holder has ended, or flock would fail
            self._write(self._next())
            return True
        if not self._stands_still(holder):
            return False
        self._write(self._next())
        time.sleep(_LOOK_S)  # another process may have done the same: the last writer has it
        if (last := self._read()) != self._own:
            raise self._in_use(last or b"")
        return True

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Write signs of life for the duration of the block."""
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def release(self) -> None:
        """Remove the lock if it is this process's."""
        if self._own and self._read() == self._own:  # another process may have written meanwhile
            self._output.remove(self._name)
        self._close()

    def _open(self) -> bool:
        """Lock the file on a disk; return False if it is gone."""
        self._close()
        try:
            self._file = os.open(self._where, os.O_RDWR | os.O_CLOEXEC)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._has_flock = True
        except FileNotFoundError:
            return False
        except BlockingIOError:
            raise self._in_use(self._read() or b"") from None
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise OSError(error.errno, error.strerror, self._where) from error
        path = Path(self._where)
        return path.exists() and os.fstat(self._file).st_ino == path.stat().st_ino

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _stands_still(self, holder: bytes) -> bool:
        """Watch a holder; return False if it has ended, True if it gives no sign of life."""
        logger.info("%s: %s was here; watching for a sign of it", self._where, _name(holder))
        end = time.monotonic() + _STALE_S
        while time.monotonic() < end:
            time.sleep(_LOOK_S)
            now = self._read()
            if now is None:
                return False
            if now != holder:
                raise self._in_use(now)
        return True

    def _beat(self, done: threading.Event) -> None:
        while not done.wait(_BEAT_S):
            try:
                content = self._read()
                if content is not None and content != self._own:
                    logger.error(
                        "%s: this process gave no sign for long, and %s has taken over. Stop one "
                        "of them",
                        *(self._where, _name(content)),
                    )
                    return
                self._write(self._next())
            except OSError as error:  # the next beat may come through
                logger.warning("%s", one_line(error))

    def _next(self) -> bytes:
        self._number += 1
        return json.dumps(self._who | {"beat": self._number}).encode()

    def _read(self) -> bytes | None:
        try:
            return self._output.read(self._name)
        except FileNotFoundError:
            return None

    def _write(self, data: bytes) -> None:
        if self._file < 0:
            self._output.write(self._name, data)
        else:  # in place: a renamed file would not be the one that is locked
            os.pwrite(self._file, data, 0)
            os.ftruncate(self._file, len(data))
            os.fsync(self._file)
        self._own = data

    def _in_use(self, holder: bytes) -> SourceError:
        return SourceError(
            f"{self._output.url}: {_name(holder)} is {_fields(holder).get('doing', self._doing)} "
            f"here. Wait for it, stop it, or pass another {self._option}"
        )


def _missing_folders(path: Path) -> list[Path]:
    """Return the missing folders above a file, the innermost first."""
    return [folder for folder in path.parents if not folder.exists()]


def _machine() -> str:
    """Return an identifier that all processes under one kernel share, in any container."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _is_here(holder: bytes) -> bool:
    """Return True if the holder runs on this machine, where flock shows if it is alive."""
    return _fields(holder).get("machine", _machine()) == _machine()


def _name(holder: bytes) -> str:
    who = _fields(holder)
    if "process" not in who or "host" not in who:  # it is being written
        return "another process"
    return f"process {who['process']} on {who['host']}"


def _fields(holder: bytes) -> dict[str, object]:
    try:
        content = parse_json(holder)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
