"""Files that are either whole or absent, on a local disk and in a bucket."""

import errno
import fcntl
import hashlib
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from commands.stores import write_file

TEMPORARY = ".tmp-"
"""Prefix of the names of unfinished files, in the folder of the finished file."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of an exhausted disk, quota or limit."""


@contextmanager
def whole_file(path: Path, *, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block succeeds.

    The content is flushed to the disk before the rename, so that a power cut leaves the old file
    or the new one. The block writes to the temporary path, which is an empty file; on an exception
    nothing stays behind. Leftovers of killed processes in the folder are removed.

    Args:
        path: The finished file.
        suffix: End of the temporary name, for writers that choose a format by it.

    Raises:
        OSError: The file cannot be written or the disk is full; the error names ``path``.
    """
    where = str(path)
    with naming_place(where):
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.parent.is_file():
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
    # The name is unique, since several machines may write the same file at once, and known before
    # the file is there, or an interrupt between the two would leave it.
    temporary = path.parent / f"{TEMPORARY}{_host_digest()}-{uuid.uuid4().hex}{suffix}"
    lock = None
    try:
        with naming_place(where):
            lock = _create_locked(temporary)
        with naming_full_disk(where):
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
        with naming_place(where):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


@contextmanager
def naming_full_disk(where: str) -> Iterator[None]:
    """Add file name and advice to the error of a full disk, which the system leaves out."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in FULL:
            raise _advised(error, where) from error
        raise


@contextmanager
def naming_place(where: str) -> Iterator[None]:
    """Name the file in any error: the system names a folder or no file."""
    try:
        yield
    except OSError as error:
        raise _advised(error, where) from error


def _advised(error: OSError, where: str) -> OSError:
    advice = "Nothing can be written there; pass another place"
    if error.errno in FULL:
        advice = "Make room, and run the same command again"
    return OSError(error.errno, f"{error.strerror}. {advice}", where)


def _create_locked(path: Path) -> int:
    """Create an empty temporary file and hold its lock, which the system frees at a kill."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # a disk without locks: its leftovers stay
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            return file
        os.close(file)  # taken for a leftover between creating and locking


def _remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of this host's processes; those of a live process are locked.

    Some shared disks have locks within one host only, so the files of others stay.
    """
    for leftover in folder.glob(f"{TEMPORARY}{_host_digest()}-*"):
        with suppress(OSError):  # it is in use, or just gone
            file = os.open(leftover, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
            finally:
                os.close(file)


def _host_digest() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def write_whole(url: str, data: bytes) -> None:
    """Write a file to a local path or an fsspec URL; readers see all of it or nothing."""
    if "://" not in url:
        with whole_file(Path(url)) as temporary:
            temporary.write_bytes(data)
        return
    write_file(url, data)
