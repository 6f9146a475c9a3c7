"""Index of an archive: the place of each file's content, by folder.

The index takes about 40 bytes per member, because LaSOT has millions.
"""

import struct
import tarfile
import zipfile
from array import array
from bisect import insort
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from commands.retry import naming
from datasets.tracks import SourceError

# Errors of the standard library for damaged archives, and of fsspec for servers without ranges.
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    ValueError,
    NotImplementedError,
    OverflowError,
    MemoryError,
    struct.error,
)


class Member(NamedTuple):
    """Place of one file in an archive."""

    start: int
    """Offset of the content in a tar, of the member's own header in a zip."""
    stored: int
    """Size of the content in the archive, in bytes."""
    method: int
    crc32: int
    """-1 where the archive has none."""


class Folder:
    """The files of one folder inside an archive, during and after indexing."""

    def __init__(self) -> None:
        self.subfolders: list[str] = []
        self._new_names: list[bytes] = []
        self._new_numbers = array("q")
        self._names: NDArray[np.bytes_] | None = None
        self._numbers: NDArray[np.int64] = np.zeros((0, 4), np.int64)

    def add(self, name: str, member: Member) -> None:
        """Add a file."""
        self._new_names.append(name.encode(errors="surrogateescape"))
        self._new_numbers.extend(member)

    def close(self) -> None:
        """Sort the files by name; no file is added afterwards."""
        names = np.array(self._new_names, dtype=np.bytes_)
        order = np.argsort(names, kind="stable")
        self._names = names[order]
        self._numbers = np.array(self._new_numbers, dtype=np.int64).reshape(-1, 4)[order]
        self._new_names, self._new_numbers = [], array("q")

    def find(self, name: str) -> Member | None:
        """Return a file's place, or None."""
        assert self._names is not None
        key = np.bytes_(name.encode(errors="surrogateescape"))
        position = int(np.searchsorted(self._names, key))
        if position == len(self._names) or self._names[position] != key:
            return None
        return Member(*self._numbers[position].tolist())

    def names(self) -> list[str]:
        """Return the names of the files and the folders in it."""
        assert self._names is not None
        files = [bytes(name).decode(errors="surrogateescape") for name in self._names]
        return [*files, *self.subfolders]


@lru_cache(maxsize=128)
def index_archive(files: Any, path: str, where: str, version: str) -> dict[str, Folder]:
    """Return the index of an archive, by folder.

    It is cached per process, because each shard opens the root again and indexing a tar of millions
    of files takes a minute; ``version`` changes with the archive.
    """
    folders: dict[str, Folder] = {"": Folder()}
    read_members = _zip_members if path.lower().endswith(".zip") else _tar_members
    try:
        with naming(where), files.open(path, "rb") as file:
            for name, member in read_members(file):
                if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
                    raise SourceError(
                        f"{where}: member {name!r} leads out of the archive. Get it from where it "
                        "is published"
                    )
                folder, _, base = name.rpartition("/")
                _make_folder(folders, folder).add(base, member)
    except SourceError:
        raise
    except _UNREADABLE as error:
        advice = "Get it again" if "range" not in str(error) else "Download it"
        raise SourceError(f"{where}: not readable as an archive ({error}). {advice}") from None
    for entry in folders.values():
        entry.close()
    return folders


def _zip_members(file: Any) -> Iterator[tuple[str, Member]]:
    """Yield name and place of each file of a .zip; BadZipFile if it is damaged or encrypted."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1 or info.compress_type not in (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
            ):
                raise zipfile.BadZipFile(f"member {info.filename!r} is encrypted or packed oddly")
            yield (
                info.filename.removeprefix("./"),
                Member(info.header_offset, info.compress_size, info.compress_type, info.CRC),
            )


def _tar_members(file: Any) -> Iterator[tuple[str, Member]]:
    """Yield name and place of each file of a .tar; ReadError if it is cut off."""
    file.seek(0, 2)
    end = file.tell()
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # a kilobyte per member, of millions
            if not info.isreg():
                continue
            if info.offset_data + info.size > end:
                raise tarfile.ReadError(f"member {info.name!r} is cut off")
            yield info.name.removeprefix("./"), Member(info.offset_data, info.size, 0, -1)
        file.seek(archive.offset)
        if len(file.read(tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it ends without the mark of its end")


def _make_folder(folders: dict[str, Folder], name: str) -> Folder:
    """Return the record of a folder; make it and its parents if they are new."""
    folder = folders.get(name)
    if folder is None:
        above, _, base = name.rpartition("/")
        insort(_make_folder(folders, above).subfolders, base)
        folder = folders[name] = Folder()
    return folder
