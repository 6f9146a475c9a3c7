"""Raw datasets where they lie: named files under one root, whatever the root is."""

from pathlib import Path
from typing import Protocol

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


def open_root(root: str) -> RawFiles:
    """Open a raw dataset's root for reading.

    Raises:
        SourceError: Nothing is there, or the root is empty.
    """
    path = Path(root)
    if not path.is_dir():
        raise SourceError(f"{root}: no such folder. Pass --root, or link your copy to {root}")
    if next(path.iterdir(), None) is None:
        raise SourceError(f"{root}: the folder is empty. Pass --root with the raw dataset's folder")
    return FolderFiles(root)


class FolderFiles:
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
