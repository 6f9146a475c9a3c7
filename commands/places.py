"""Comparison of paths and URLs by their targets: no command overwrites its inputs."""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.local import LocalFileSystem

Place = str | Path

_ARCHIVES = (".zip", ".tar")


def local_path(url: Place) -> str | None:
    """Return the path of a file or folder of this machine; None for a URL of another store."""
    text = os.fspath(url)
    if "://" not in text:
        return text
    if text.partition("://")[0] in LocalFileSystem.protocol:
        return str(LocalFileSystem._strip_protocol(text))
    return None


def require_utf8(*places: Place) -> None:
    """Refuse names that are not UTF-8; OpenCV crashes on them.

    Raises:
        UnicodeEncodeError: A name is not UTF-8; commands report it in one line.
    """
    for path in places:
        os.fspath(path).encode()


def keep_inputs(
    inputs: Iterable[Place | None],
    *,
    files: Iterable[Place | None] = (),
    folders: Iterable[Place | None] = (),
    option: str = "--out",
) -> None:
    """Refuse outputs that would overwrite inputs of a command; call it before the first write.

    Targets are compared, not spellings: links, hard links, letter case on disks that ignore it,
    URLs.

    Args:
        inputs: Files, folders and archives that the command reads. None is no path.
        files: Files that it writes or removes; a folder of its own includes its content.
        folders: Folders in which it makes files beside existing ones.
        option: The option for another output, for the message.

    Raises:
        FileExistsError: An output is an input, holds one, or lies in one.
    """
    read = [(name, _Spot(name)) for name in inputs if name]
    written = [(name, _Spot(name), False) for name in files if name]
    written += [(name, _Spot(name), True) for name in folders if name]
    for output, spot, is_shared in written:
        for name, source in read:
            is_hit = spot.is_same(source) or source.is_archive_above(spot)
            if is_hit or (not is_shared and spot.replaces(source)):
                raise FileExistsError(
                    f"{output}: would be written over, but this command reads {name}. Pass another "
                    f"{option}"
                )


class _Spot:
    """A place in a store, comparable with others."""

    def __init__(self, name: Place) -> None:
        text = os.fspath(name)
        self.url = text.rpartition("::")[2] if "://" in text else text  # the end of a chain
        path = local_path(self.url)
        self.store, self.path = "file", self.url
        if path is not None:
            self.path = os.path.realpath(Path(path).expanduser())
            return
        with suppress(ValueError, ImportError):  # opening it reports the problem
            system = fsspec.get_filesystem_class(self.url.partition("://")[0])
            self.path = str(system._strip_protocol(self.url)).rstrip("/")
            self.store = system.__name__

    @cached_property
    def names(self) -> frozenset[object]:
        """Return its identifiers: the path, and the number on the disk if it exists."""
        names: set[object] = {(self.store, self.path)}
        if self.store == "file":
            with suppress(OSError):
                status = Path(self.path).stat()
                names.add((status.st_dev, status.st_ino))
        return frozenset(names)

    @cached_property
    def above(self) -> frozenset[object]:
        """Return the identifiers of the folders above it."""
        parents = [str(parent) for parent in PurePosixPath(self.path).parents]
        if self.store != "file":
            return frozenset((self.store, parent) for parent in parents)
        return frozenset(name for parent in parents for name in _Spot(parent).names)

    def is_same(self, other: "_Spot") -> bool:
        """Return True if both are one file or folder."""
        return not self.names.isdisjoint(other.names)

    def is_in(self, folder: "_Spot") -> bool:
        """Return True if this lies somewhere below a folder."""
        return not self.above.isdisjoint(folder.names)

    def is_archive_above(self, other: "_Spot") -> bool:
        """Return True if the other would lie in this, which is a file."""
        is_local = self.store == "file"
        is_file = Path(self.path).is_file() if is_local else self.path.endswith(_ARCHIVES)
        return is_file and other.is_in(self)

    def replaces(self, source: "_Spot") -> bool:
        """Return True if this contains an input, or is a file in a folder of inputs."""
        if source.is_in(self):
            return True
        if self.path.endswith(".html") or not self.is_in(source):  # pages are not read again
            return False
        if self.store == "file":
            return Path(self.path).is_file()
        files, path = fsspec.url_to_fs(self.url)
        return bool(files.isfile(path))
