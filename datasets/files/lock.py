"""One command at a time in one folder; the second learns who the first is.

The holder writes its name into the lock's file, and every few seconds a new number. Clocks of two
machines differ by minutes, so nobody judges by them: a lock is free if its content stands still
while the one who asks watches it, by a clock of its own.

On a disk the system's lock of that file (flock) answers at once, since it ends with its process.
But not every shared disk carries it from one machine to another; so who finds there the name of
another machine watches, too.
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

from commands.run import one_line
from datasets.files.output import Output
from datasets.tracks import SourceError

logger = logging.getLogger(__name__)

NAME = ".lock.json"
_BEAT_S = 10.0
"""How often the holder says that it is alive."""
_STALE_S = 90.0
"""After how much silence the lock is free again."""
_LOOK_S = 1.0
"""Between two looks at another's lock."""
_NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What a disk answers that knows no flock."""


@contextmanager
def only_one(
    folder: Output | Path, *, doing: str, name: str = NAME, option: str = "--out"
) -> Iterator[None]:
    """Hold the lock of a folder for the duration of the block.

    The lock of a killed process is free at once on its own machine, elsewhere after a minute and
    a half.

    Args:
        folder: Where nobody else may work; made if it is not there.
        doing: What the message says of the holder, such as ``"building"``.
        name: The lock's file in the folder.
        option: What to pass for another folder.

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
    """The lock's file, and what this process has written into it."""

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
        """Take the lock; return False if its holder has ended meanwhile: ask again.

        Raises:
            SourceError: Another process holds it.
        """
        self._own = self._next()
        self._output.create(self._name, self._own)
        if self._output.is_local and not self._open():
            return False
        holder = self._read()
        if holder == b"":  # it is just being written, or its writer was killed then
            time.sleep(_LOOK_S)
            holder = self._read()
        if holder is None:
            return False
        if holder == self._own:
            return True
        if self._has_flock and _is_here(holder):  # who held it has ended, or flock would refuse
            self._write(self._next())
            return True
        if not self._stands_still(holder):
            return False
        self._write(self._next())
        time.sleep(_LOOK_S)  # another may have watched and written as well: the last one has it
        if (last := self._read()) != self._own:
            raise self._in_use(last or b"")
        return True

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Show that this process is alive, for the duration of the block."""
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
        if self._own and self._read() == self._own:  # not what another wrote meanwhile
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
        """Watch a holder; return False if it has ended, and True if it gives no sign for long."""
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
                found = self._read()
                if found is not None and found != self._own:
                    logger.error(
                        "%s: this process gave no sign for long, and %s has taken over. Stop one "
                        "of them",
                        *(self._where, _name(found)),
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
    """Return the folders above a file that are to be made for it, the innermost first."""
    return [folder for folder in path.parents if not folder.exists()]


def _machine() -> str:
    """Return what all processes under one kernel share, in whatever container, and no others."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _is_here(holder: bytes) -> bool:
    """Say whether the holder is of this machine; flock knows then whether it is alive."""
    return _fields(holder).get("machine", _machine()) == _machine()


def _name(holder: bytes) -> str:
    who = _fields(holder)
    if "process" not in who or "host" not in who:  # it is just being written
        return "another process"
    return f"process {who['process']} on {who['host']}"


def _fields(holder: bytes) -> dict[str, object]:
    try:
        content = json.loads(holder)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
