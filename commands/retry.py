"""Reads of remote files with retries, and errors of network libraries as OSErrors."""

import errno
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from commands.run import is_expected, one_line

logger = logging.getLogger(__name__)

_PAUSES_S = (1.0, 5.0)
"""Before the second and the third attempt; s3fs makes several of its own in each."""

_NUMBERS: dict[type[Exception], int] = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    NotADirectoryError: errno.ENOTDIR,
    PermissionError: errno.EACCES,
}


def read_with_retries(
    files: Any, path: str, *, where: str, start: int | None = None, end: int | None = None
) -> bytes:
    """Return the content of a file of an fsspec file system, or a part of it.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: The network or the store fails in all attempts. The file itself may be whole, so
            it must not be left out as a damaged one.
    """
    for pause_s in _PAUSES_S:
        try:
            with naming(where):
                return bytes(files.cat_file(path, start=start, end=end))
        except tuple(_NUMBERS):
            raise
        except OSError as error:
            logger.warning("%s; trying again in %g s", one_line(error), pause_s)
            time.sleep(pause_s)
    with naming(where):
        return bytes(files.cat_file(path, start=start, end=end))


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
