"""Raw datasets in plain folders: the interface of all roots, a local folder, a remote one."""

import os
from pathlib import Path
from typing import Any, Protocol

from commands import stores
from commands.retry import read_with_retries
from datasets.tracks import SourceError


class RawFiles(Protocol):
    """Read-only files under a root; names are ``/``-separated and relative to it."""

    root: str
    """Path or URL of the files, for messages and for opening them in another process."""

    def read(self, name: str) -> bytes:
        """Return a file's content; SourceError names it if it is missing or unreadable."""
        ...

    def exists(self, name: str) -> bool:
        """Return True if a file or folder of that name exists."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries; empty if it does not exist."""
        ...

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the sizes of a folder's files by name, in bytes; empty if listings have none."""
        ...

    def where(self, name: str) -> str:
        """Return the name of a file for messages: path, URL, or archive and member."""
        ...


def plain_path(url: str) -> str:
    """Return a local path without ``file://`` and ``~``, and any other URL as it is."""
    path = url.removeprefix("file://")
    return path if "://" in path else str(Path(path).expanduser()) if path else path


def file_system(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a path or URL, and the path in it.

    Raises:
        SourceError: There is no such kind of URL.
    """
    try:
        return stores.file_system(url)
    except ValueError as error:
        raise SourceError(f"{url}: {error}. Pass a folder, or a URL such as s3://...") from None


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
        """Return True if a file or folder of that name exists."""
        return (self._path / name).exists()

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries; empty if it does not exist."""
        path = self._path / folder
        return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the sizes of a folder's files by name; empty if it does not exist."""
        path = self._path / folder
        if not path.is_dir():
            return {}
        with os.scandir(path) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}

    def where(self, name: str) -> str:
        """Return the file's path."""
        return str(self._path / name)


class RemoteFolder:
    """A folder at an fsspec URL, such as ``s3://bucket/LaSOT``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._files, path = file_system(root)
        self._path = path.rstrip("/")

    def read(self, name: str) -> bytes:
        """Return a file's content; OSError if the network or the store fails."""
        try:
            return read_with_retries(self._files, f"{self._path}/{name}", where=self.where(name))
        except FileNotFoundError:
            raise SourceError(f"{self.where(name)}: no such file") from None

    def exists(self, name: str) -> bool:
        """Return True if a file or folder of that name exists."""
        return bool(self._files.exists(f"{self._path}/{name}"))

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries; empty if it does not exist."""
        path = f"{self._path}/{folder}".rstrip("/")
        try:
            entries = self._files.ls(path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {entry.removeprefix(f"{path}/").strip("/") for entry in entries}
        # A web server's page also links to the folder above, and to itself in another order.
        foreign = set("/?#") if self.root.startswith(("http://", "https://")) else set("/")
        return sorted(name for name in names if name and not set(name) & foreign)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the sizes of a folder's files by name; empty if the store lists none."""
        path = f"{self._path}/{folder}".rstrip("/")
        try:
            entries = self._files.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return {
            entry["name"].removeprefix(f"{path}/"): int(entry["size"])
            for entry in entries
            if entry["type"] == "file" and entry["size"] is not None
        }

    def where(self, name: str) -> str:
        """Return the file's URL."""
        return f"{self.root.rstrip('/')}/{name}"
