"""Files that are either whole or absent, on a local disk and in a bucket."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block succeeds.

    The content is flushed to the disk before the rename, so that a power cut leaves the old file
    or the new one. The block writes to the temporary path; on an exception nothing stays behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(url: str, data: bytes) -> None:
    """Write a file to a local path or an fsspec URL; readers see all of it or nothing."""
    if "://" not in url:
        with whole_file(Path(url)) as temporary:
            temporary.write_bytes(data)
        return
    with fsspec.open(url, "wb") as remote:  # object stores show an upload when it is complete
        remote.write(data)
