"""Reading of remote files: failed reads are tried again, after growing pauses."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from threading import Event
from typing import Any

from commands.retry import Result, RetrySettings, retry
from commands.stores import file_system
from manifests.schema import ManifestError
from sampling.pair_index import Shard

_CHUNK_BYTES = 8 << 20


class RemoteReader:
    """Reads remote files in pieces; safe for several threads.

    Args:
        settings: Retries of failed reads.
    """

    def __init__(self, settings: RetrySettings) -> None:
        self.num_retries = 0
        """Reads that failed and were tried again."""
        self.num_bytes = 0
        """Bytes received."""
        self._settings = settings

    def pieces(self, url: str, num_bytes: int, *, stop: Event | None = None) -> Iterator[bytes]:
        """Yield a file's content in order.

        Args:
            url: Any fsspec URL.
            num_bytes: Size that the file must have.
            stop: Ends the pauses between attempts when it is set.

        Raises:
            ManifestError: The file is missing or has another size.
            OSError: It still could not be read after all attempts.
        """
        files, path = file_system(url, **_timeouts(url, self._settings.stall_s))
        size = self._retry(url, stop, lambda: files.size(path))
        if size is not None and size != num_bytes:
            raise ManifestError(
                f"{url}: {size} bytes, expected {num_bytes}; the shard was replaced after the "
                "manifest was written. Copy both again"
            )
        position = 0
        while position < num_bytes:
            end = min(position + _CHUNK_BYTES, num_bytes)
            read = partial(_read_range, files, path, position, end, num_bytes)
            piece = self._retry(url, stop, read)
            self.num_bytes += len(piece)
            position += len(piece)
            yield piece

    def read(self, shard: Shard, offset: int, num_bytes: int) -> bytes:
        """Return a part of a shard; raises as `pieces` does."""
        files, path = file_system(shard.url, **_timeouts(shard.url, self._settings.stall_s))
        end = offset + num_bytes
        read = partial(_read_range, files, path, offset, end, shard.num_bytes)
        return self._retry(shard.url, None, read)[:num_bytes]

    def _retry(self, url: str, stop: Event | None, read: Callable[[], Result]) -> Result:
        def pause(seconds: float) -> None:
            self.num_retries += 1
            if stop is None:
                time.sleep(seconds)
            elif stop.wait(seconds):
                raise InterruptedError(f"{url}: the loader was closed")

        def is_final(error: Exception) -> bool:
            return isinstance(error, PermissionError) or _is_missing(error)

        try:
            return retry(read, self._settings, where=url, is_final=is_final, pause=pause)
        except FileNotFoundError:
            raise ManifestError(
                f"{url}: no such shard, but the manifest names it. Copy it or build it"
            ) from None


class PieceFile:
    """A file to read from start to end, made of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return the next bytes: ``size`` of them, fewer at the end."""
        parts = []
        while size:
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = memoryview(piece)
            parts.append(self._rest[:size])
            size -= len(parts[-1])
            self._rest = self._rest[len(parts[-1]) :]
        return b"".join(parts)


def _is_missing(error: Exception) -> bool:
    """Return True if an error means that there is no such file.

    fsspec's web client raises FileNotFoundError for any failed HEAD request; its cause decides.
    """
    cause = error.__cause__
    if not isinstance(error, FileNotFoundError):
        return False
    if cause is None or type(cause).__module__.startswith("botocore"):
        return True
    return getattr(cause, "status", None) in {404, 410}


def _read_range(files: Any, path: str, start: int, end: int, num_bytes: int) -> bytes:
    data: bytes = files.cat_file(path, start=start, end=end)
    if len(data) == num_bytes > end - start:
        return data[start:]  # a plain web server ignores ranges and sends all
    if len(data) != end - start:
        raise OSError(f"{len(data)} bytes of {end - start} from byte {start} on")
    return data


def _timeouts(url: str, stall_s: float) -> dict[str, Any]:
    """Return the options by which a protocol turns a stalled read into an error."""
    protocol = url.partition("://")[0]
    if protocol in {"http", "https"}:
        from aiohttp import ClientTimeout

        timeout = ClientTimeout(total=None, sock_connect=stall_s, sock_read=stall_s)
        return {"client_kwargs": {"timeout": timeout}}
    if protocol in {"s3", "s3a"}:
        return {"config_kwargs": {"connect_timeout": stall_s, "read_timeout": stall_s}}
    return {}
