"""Local copies of remote shards: bounded in bytes, shared by processes, whole or absent.

A copy is named by the shard's checksum. During writing it is called ``.part``, has its full size
from the start, so that its room is taken, and is locked by the writer. Readers hold shared locks,
and only copies without a lock are evicted, the longest unused first. Locks are the kernel's: those
of a killed process are gone with it.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from commands.retry import RetrySettings
from manifests.schema import ManifestError
from sampling.pair_index import Shard
from sampling.remote.reader import RemoteReader

_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class CacheSettings:
    """The cache of local copies of remote shards."""

    folder: str = "data/cache"
    """Folder on a local disk; several processes and runs may share it."""
    limit_gb: float = 50.0
    """Largest size of all copies together, in 10^9 bytes."""
    threads: int = 4
    """Shards that a process fetches at the same time."""
    patience_s: float = 600.0
    """Longest wait for room while other processes use the whole cache."""
    retries: RetrySettings = field(default_factory=RetrySettings)
    """Retries of failed reads."""

    @property
    def limit_bytes(self) -> int:
        """Largest size of all copies together."""
        return int(self.limit_gb * 1e9)


class Lease:
    """A local copy that is not evicted before ``close``."""

    def __init__(self, path: str, file: int) -> None:
        self.path = path
        self._file = file

    def close(self) -> None:
        """Release the copy."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> int:
        """Return the open file."""
        return self._file

    def __exit__(self, *_: object) -> None:
        self.close()


class ShardCache:
    """The copies in one folder; local shards are read from where they are.

    Args:
        settings: Folder and size.
        reader: Fetches them.
    """

    def __init__(self, settings: CacheSettings, reader: RemoteReader) -> None:
        self._settings = settings
        self._folder = Path(settings.folder)
        self._reader = reader
        self._stop = Event()

    def path(self, shard: Shard) -> str:
        """Return the path of a shard's copy, present or not."""
        return str(self._folder / f"{shard.sha256}.tar")

    def close(self) -> None:
        """Make all waiting `fetch` calls give up."""
        self._stop.set()

    def is_fetched(self, shard: Shard) -> bool:
        """Return True for a remote shard."""
        return shard.path is None

    def fetch(self, shard: Shard) -> Lease:
        """Return the copy of a shard, fetched if need be.

        Raises:
            ManifestError: The shard is missing, or is not the one that the manifest describes.
            OSError: It could not be read, or there is no room for it.
        """
        path = self.path(shard)
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                self._fill(shard, path)
                continue
            self._lock(file, fcntl.LOCK_SH)
            if os.fstat(file).st_nlink:
                os.utime(path)  # the time of the last use
                return Lease(path, file)
            os.close(file)  # evicted between opening and locking

    def read(self, shard: Shard, offset: int, num_bytes: int) -> bytes:
        """Return a part of a shard's copy, fetched if need be."""
        with self.fetch(shard) as file:
            return os.pread(file, num_bytes, offset)

    def _fill(self, shard: Shard, path: str) -> None:
        part = f"{path}.part"
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # The writer of the part goes on to use it, under a lock of the same file.
            is_ours = self._lock(file, fcntl.LOCK_EX, unless=path)
            if not is_ours or Path(path).exists() or not os.fstat(file).st_nlink:
                return
            try:
                self._reserve(shard, file)
                self._write(shard, file)
                with self._alone():  # a count sees either name, never none
                    Path(part).rename(path)
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
        finally:
            os.close(file)

    def _write(self, shard: Shard, file: int) -> None:
        digest = hashlib.sha256()
        with os.fdopen(file, "wb", closefd=False) as copy:
            for piece in self._reader.pieces(shard.url, shard.num_bytes, stop=self._stop):
                digest.update(piece)
                copy.write(piece)
        if digest.hexdigest() != shard.sha256:
            raise ManifestError(
                f"{shard.url}: sha256 {digest.hexdigest()[:16]}..., expected "
                f"{shard.sha256[:16]}...; the shard was replaced after the manifest was written. "
                "Copy both again"
            )
        os.fsync(file)

    def _reserve(self, shard: Shard, file: int) -> None:
        """Give a part its full size, once there is room for it."""
        limit = self._settings.limit_bytes
        if shard.num_bytes > limit:
            raise OSError(
                f"{shard.url}: {shard.num_bytes} bytes do not fit into a cache of {limit} bytes. "
                "Enlarge the cache"
            )
        deadline = time.monotonic() + self._settings.patience_s
        while True:
            with self._alone():
                if self._make_room(limit - shard.num_bytes, own=os.fstat(file).st_ino):
                    os.ftruncate(file, shard.num_bytes)
                    return
            if time.monotonic() > deadline:
                raise OSError(
                    f"{self._folder}: no room for {shard.url} in {self._settings.patience_s:.0f} "
                    "s, all copies are in use. Enlarge the cache, or give each run its own"
                )
            self._pause()

    def _make_room(self, allowed: int, *, own: int) -> bool:
        """Evict copies until the others take at most ``allowed`` bytes; False if they do not."""
        entries = []
        for entry in os.scandir(self._folder):
            if not entry.name.endswith((".tar", ".part")) or entry.inode() == own:
                continue
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue  # renamed or removed meanwhile: it was a part, its new name comes too
            entries.append((status.st_mtime_ns, status.st_size, entry.path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            abandoned = path.endswith(".part")
            if (total > allowed or abandoned) and _remove_unused(path):
                total -= size
        return total <= allowed

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from counting at the same time."""
        file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._lock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _lock(self, file: int, kind: int, *, unless: str = "") -> bool:
        """Wait for a lock; return False without it once there is a file called ``unless``."""
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if unless and Path(unless).exists():
                    return False
                self._pause()
            else:
                return True

    def _pause(self) -> None:
        if self._stop.wait(_POLL_S):
            raise InterruptedError(f"{self._folder}: the loader was closed")


def _remove_unused(path: str) -> bool:
    """Remove a copy, or a part of one that a killed process left, unless it is locked."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # a part that was finished meanwhile has another name now: it is no part any more
        if os.fstat(file).st_ino == Path(path).stat().st_ino:
            Path(path).unlink()
            return True
    except (BlockingIOError, FileNotFoundError):
        pass
    finally:
        os.close(file)
    return False
