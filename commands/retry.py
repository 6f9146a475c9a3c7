"""Reads of remote files with retries, and errors of network libraries as OSErrors."""

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from commands.run import is_expected, one_line

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class RetrySettings:
    """Retries of failed reads."""

    attempts: int = 8
    """Reads of one piece before the run stops."""
    first_pause_s: float = 0.5
    """Pause after the first failed read; each further one is twice as long."""
    longest_pause_s: float = 30.0
    """Longest pause."""
    stall_s: float = 30.0
    """Time without a byte after which a read has failed."""


_RAW_FILES = RetrySettings(attempts=4, first_pause_s=1.0)
"""For files of raw datasets; s3fs makes several attempts of its own in each."""

_NUMBERS: dict[type[Exception], int] = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    NotADirectoryError: errno.ENOTDIR,
    PermissionError: errno.EACCES,
}


def retry(
    read: Callable[[], Result],
    settings: RetrySettings,
    *,
    where: str,
    is_final: Callable[[Exception], bool],
    pause: Callable[[float], object] = time.sleep,
) -> Result:
    """Return the result of a read, tried again after growing pauses.

    Args:
        read: The read.
        settings: Number of attempts and pauses.
        where: Name of the file, for messages.
        is_final: Returns True for errors that another attempt would not change.
        pause: Waits for a number of seconds.

    Raises:
        OSError: All attempts failed. The file itself may be whole, so it must not be left out as a
            damaged one.
    """
    pause_s = settings.first_pause_s
    for attempt in range(1, settings.attempts + 1):
        try:
            return read()
        # each kind of store has error classes of its own for a failing network
        except Exception as error:
            if is_final(error):
                raise
            reason = one_line(error)
            if attempt == settings.attempts:
                problem = f"{attempt} reads failed, the last with: {reason}. Check the store"
                raise OSError(errno.EIO, problem, where) from error
            logger.warning(
                "%s: read %d failed: %s; next in %.1f s", where, attempt, reason, pause_s
            )
        pause(pause_s)
        pause_s = min(2 * pause_s, settings.longest_pause_s)
    raise AssertionError("the last attempt returns or raises")


def read_with_retries(
    files: Any, path: str, *, where: str, start: int | None = None, end: int | None = None
) -> bytes:
    """Return the content of a file of an fsspec file system, or a part of it.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: The network or the store fails in all attempts.
    """
    read = partial(files.cat_file, path, start=start, end=end)
    with naming(where):
        return bytes(retry(read, _RAW_FILES, where=where, is_final=_is_final))


def _is_final(error: Exception) -> bool:
    return isinstance(error, tuple(_NUMBERS)) or not is_expected(error)


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Turn errors of network libraries into an OSError that names the file."""
    try:
        yield
    except Exception as error:
        if not is_expected(error) or getattr(error, "filename", None) is not None:
            raise
        number = next((_NUMBERS[kind] for kind in _NUMBERS if isinstance(error, kind)), errno.EIO)
        raise OSError(number, one_line(error), where) from error  # of the same class
