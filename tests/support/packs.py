"""Folders in archives, for tests of raw roots."""

import tarfile
import zipfile
from pathlib import Path


def pack_zip(
    folder: Path, path: Path, method: int = zipfile.ZIP_DEFLATED, prefix: str = ""
) -> Path:
    """Write a folder's content to a .zip, its names after a prefix, and return its path."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for item in sorted(folder.rglob("*")):
            archive.write(item, prefix + item.relative_to(folder).as_posix())
    return path


def pack_tar(folder: Path, path: Path, mode: str = "w") -> Path:
    """Write a folder's content to a .tar, packed as the mode says, and return its path."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        archive.add(folder, arcname=".")
    return path
