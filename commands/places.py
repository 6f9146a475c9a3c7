"""Where paths and URLs lead, however they are spelled: no command writes over what it reads."""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.local import LocalFileSystem

Place = str | Path

_ARCHIVES = (".zip", ".tar")


def local_path(place: Place) -> str | None:
    """Return the path of a file or folder of this machine; None for a URL of another store."""
    text = os.fspath(place)
    if "://" not in text:
        return text
    if text.partition("://")[0] in LocalFileSystem.protocol:
        return str(LocalFileSystem._strip_protocol(text))
    return None


def require_utf8(*places: Place) -> None:
    """Refuse names that libraries in C cannot take; OpenCV crashes on them.

    Raises:
        UnicodeEncodeError: One is not UTF-8; commands say so in one line.
    """
    for place in places:
        os.fspath(place).encode()


def keep_inputs(
    inputs: Iterable[Place],
    *,
    files: Iterable[Place] = (),
    folders: Iterable[Place] = (),
    option: str = "--out",
) -> None:
    """Refuse outputs that would write over what a command reads; call it before the first write.

    Compared is where paths lead and not how they are spelled: links, hard links, other cases on
    disks that ignore them, URLs.

    Args:
        inputs: Files, folders and archives that the command reads; empty names are passed over.
        files: What it writes or removes; a folder of its own stands for all that is in it.
        folders: Folders in which it makes files beside those that are there.
        option: What to pass otherwise.

    Raises:
        FileExistsError: An output is an input, holds one, or lies in one.
    """
    read = [(each, _Spot(each)) for each in inputs if os.fspath(each)]
    written = [(each, _Spot(each), False) for each in files]
    written += [(each, _Spot(each), True) for each in folders]
    for place, spot, is_shared in written:
        for each, source in read:
            is_hit = spot.is_same(source) or source.is_archive_above(spot)
            if is_hit or (not is_shared and spot.replaces(source)):
                raise FileExistsError(
                    f"{place}: would be written over, but this command reads {each}. Pass another "
                    f"{option}"
                )


class _Spot:
    """A place in a store, comparable with others."""

    def __init__(self, place: Place) -> None:
        text = os.fspath(place)
        self.url = text.rpartition("::")[2] if "://" in text else text  # the end of a chain
        path = local_path(self.url)
        self.store, self.path = "file", self.url
        if path is not None:
            self.path = os.path.realpath(Path(path).expanduser())
            return
        with suppress(ValueError, ImportError):  # whoever opens it says what is wrong with it
            system = fsspec.get_filesystem_class(self.url.partition("://")[0])
            self.path = str(system._strip_protocol(self.url)).rstrip("/")
            self.store = system.__name__

    @cached_property
    def names(self) -> frozenset[object]:
        """Return what identifies it: its path, and its number on the disk if it is there."""
        names: set[object] = {(self.store, self.path)}
        if self.store == "file":
            with suppress(OSError):
                status = Path(self.path).stat()
                names.add((status.st_dev, status.st_ino))
        return frozenset(names)

    @cached_property
    def above(self) -> frozenset[object]:
        """Return what identifies the folders above it."""
        parents = [str(each) for each in PurePosixPath(self.path).parents]
        if self.store != "file":
            return frozenset((self.store, each) for each in parents)
        return frozenset(name for each in parents for name in _Spot(each).names)

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
        """Return True if this holds what is read, or is a file of a folder that is read."""
        if source.is_in(self):
            return True
        if self.path.endswith(".html") or not self.is_in(source):  # pages are not read again
            return False
        if self.store == "file":
            return Path(self.path).is_file()
        files, path = fsspec.url_to_fs(self.url)
        return bool(files.isfile(path))
