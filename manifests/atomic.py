"""Files that are either whole or absent, on a local disk and in a bucket."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec

TEMPORARY = ".tmp-"
"""How names of unfinished files start; they lie in the folder of the file to be."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block succeeds.

    The content is flushed to the disk before the rename, so that a power cut leaves the old file
    or the new one. The block writes to the temporary path; on an exception nothing stays behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name is unique, since several machines may write the same file at once.
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{uuid.uuid4().hex}")
    try:
        with naming_full_disk(str(path)):
            yield temporary
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming_full_disk(where: str) -> Iterator[None]:
    """Say which file it was when the disk is full, and what to do: the system's error does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            advice = f"{error.strerror}. Make room, and run the same command again"
            raise OSError(error.errno, advice, where) from error
        raise


def write_whole(url: str, data: bytes) -> None:
    """Write a file to a local path or an fsspec URL; readers see all of it or nothing."""
    if "://" not in url:
        with whole_file(Path(url)) as temporary:
            temporary.write_bytes(data)
        return
    with fsspec.open(url, "wb") as remote:  # object stores show an upload when it is complete
        remote.write(data)
