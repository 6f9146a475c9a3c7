"""Raw datasets where they lie: named files under one root, whatever the root is.

A root is a folder, a folder of archives as datasets are distributed, a single archive, or a URL
of any of these (``s3://``, ``https://``). Nothing is unpacked to a disk.
"""

from pathlib import Path
from typing import Protocol

import fsspec

from datasets.archives import MountedArchives, find_archives
from datasets.tracks import SourceError


class RawFiles(Protocol):
    """Read-only files under a root; names are ``/``-separated and relative to it."""

    root: str
    """Where the files lie, for messages and for opening the same files in another process."""

    def read(self, name: str) -> bytes:
        """Return a file's content; SourceError names it if it is missing or unreadable."""
        ...

    def exists(self, name: str) -> bool:
        """Tell whether a file or folder of that name exists."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries; empty if it does not exist."""
        ...

    def where(self, name: str) -> str:
        """Return what a message calls the file: its path or URL, or archive and member."""
        ...


def open_root(root: str) -> RawFiles:
    """Open a raw dataset's root for reading.

    Raises:
        SourceError: Nothing is there, the root is empty, or an archive in it cannot be read.
    """
    files, path = fsspec.url_to_fs(root)
    is_remote = "://" in root
    if files.isfile(path):
        archives = find_archives(files, path, [path])
        if not archives:
            raise SourceError(f"{root}: a file, expected a folder or an archive (.zip, .tar)")
        return MountedArchives(root, archives, None)
    if not files.isdir(path):
        raise SourceError(f"{root}: no such folder. Pass --root, or link your copy to {root}")
    names = sorted(entry.rstrip("/") for entry in files.ls(path, detail=False))
    if not names:
        raise SourceError(f"{root}: the folder is empty. Pass --root with the raw dataset's folder")
    folder = RemoteFolder(root) if is_remote else LocalFolder(root)
    archives = find_archives(files, path, names)
    return MountedArchives(root, archives, folder) if archives else folder


class LocalFolder:
    """A folder on a local disk."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._path = Path(root)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            raise SourceError(f"{self._path / name}: no such file") from None
        except OSError as error:
            raise SourceError(f"{self._path / name}: {error.strerror}") from error

    def exists(self, name: str) -> bool:
        """Tell whether a file or folder of that name exists."""
        return (self._path / name).exists()

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries; empty if it does not exist."""
        path = self._path / folder
        return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []

    def where(self, name: str) -> str:
        """Return the file's path."""
        return str(self._path / name)


class RemoteFolder:
    """A folder that fsspec reaches, such as ``s3://bucket/LaSOT``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._files, path = fsspec.url_to_fs(root)
        self._path = path.rstrip("/")

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        try:
            return bytes(self._files.cat_file(f"{self._path}/{name}"))
        except FileNotFoundError:
            raise SourceError(f"{self.where(name)}: no such file") from None
        except OSError as error:
            raise SourceError(f"{self.where(name)}: {error}") from error

    def exists(self, name: str) -> bool:
        """Tell whether a file or folder of that name exists."""
        return bool(self._files.exists(f"{self._path}/{name}"))

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries; empty if it does not exist."""
        path = f"{self._path}/{folder}".rstrip("/")
        try:
            entries = self._files.ls(path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {entry.rstrip("/").rpartition("/")[2] for entry in entries if entry != path}
        return sorted(names - {""})

    def where(self, name: str) -> str:
        """Return the file's URL."""
        return f"{self.root.rstrip('/')}/{name}"
