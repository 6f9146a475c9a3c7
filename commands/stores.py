"""File systems of paths and URLs; no character of a name is a pattern.

`fsspec` takes ``[1]``, ``?`` and ``*`` for patterns wherever its calls may mean several files, and
``::`` for a chain of stores. All opening and removing by name goes through this module.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import fsspec

_AT_ONCE = 16
"""Concurrent requests while a folder is removed."""


def file_system(url: str, **options: Any) -> tuple[Any, str]:
    """Return the fsspec file system of a path or URL, and the path in it.

    Args:
        url: A local path, a URL, or a chain of URLs such as ``zip://a.txt::s3://bucket/b.zip``.
        options: Of that kind of file system.

    Raises:
        ValueError: There is no such kind of URL.
    """
    if "://" not in url:
        return fsspec.filesystem("file"), str(Path(url).absolute())
    first, *others = url.split("::")
    if any("://" in other for other in others):
        return fsspec.url_to_fs(url, **options)  # type: ignore[no-any-return]
    files, _ = fsspec.url_to_fs(first, **options)
    return files, files._strip_protocol(url)


@contextmanager
def open_file(url: str) -> Iterator[IO[bytes]]:
    """Open a file for reading; FileNotFoundError if it is not there."""
    files, path = file_system(url)  # held here: an archive closes with its file system
    with files.open(path, "rb") as file:
        yield file


def write_file(url: str, data: bytes) -> None:
    """Write a file; in a bucket it appears when it is complete."""
    files, path = file_system(url)
    files.makedirs(files._parent(path), exist_ok=True)
    files.pipe_file(path, data)


def remove_all(files: Any, path: str) -> None:
    """Remove a file, or a folder with its content, if it exists.

    Args:
        files: The fsspec file system.
        path: The path in it.
    """
    files.invalidate_cache()
    names = files.find(path)  # fsspec's own rm() takes the path for a pattern
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(files.rm_file, names))
    files.invalidate_cache()
