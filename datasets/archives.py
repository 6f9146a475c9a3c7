"""Datasets inside the archives they are distributed in: .zip and plain .tar, read at random.

The members of all archives of a root appear under that root as if they had been unpacked there,
beside what lies there unpacked. An archive is indexed when it is first needed; the index holds
about 40 bytes a member, because LaSOT has millions.
"""

import struct
import tarfile
import zipfile
import zlib
from array import array
from bisect import insort
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from isal.isal_zlib import crc32
from numpy.typing import NDArray

from datasets.archive_members import Member, tar_members, zip_members
from datasets.tracks import SourceError

if TYPE_CHECKING:
    from datasets.files import RawFiles

_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a zip member's own header: lengths of its name and of its extra field."""


class _Folder:
    """The files of one folder inside an archive, while it is indexed and after."""

    def __init__(self) -> None:
        self.subfolders: list[str] = []
        self._new_names: list[bytes] = []
        self._new_numbers = array("q")
        self._names: NDArray[np.bytes_] | None = None
        self._numbers: NDArray[np.int64] = np.zeros((0, 4), np.int64)

    def add(self, name: str, member: Member) -> None:
        self._new_names.append(name.encode(errors="surrogateescape"))
        self._new_numbers.extend(member)

    def close(self) -> None:
        names = np.array(self._new_names, dtype=np.bytes_)
        order = np.argsort(names, kind="stable")
        self._names = names[order]
        self._numbers = np.array(self._new_numbers, dtype=np.int64).reshape(-1, 4)[order]
        self._new_names, self._new_numbers = [], array("q")

    def find(self, name: str) -> Member | None:
        assert self._names is not None
        key = np.bytes_(name.encode(errors="surrogateescape"))
        position = int(np.searchsorted(self._names, key))
        if position == len(self._names) or self._names[position] != key:
            return None
        return Member(*self._numbers[position].tolist())

    def names(self) -> list[str]:
        assert self._names is not None
        files = [bytes(name).decode(errors="surrogateescape") for name in self._names]
        return [*files, *self.subfolders]


class Archive:
    """One .zip or .tar; ``files`` is the fsspec file system it lies on."""

    def __init__(self, files: Any, path: str) -> None:
        self.path = path
        self._files = files
        self._folders: dict[str, _Folder] | None = None

    @property
    def stem(self) -> str:
        """The archive's name without folder and suffix."""
        return self.path.rpartition("/")[2].rpartition(".")[0]

    def list(self, folder: str) -> list[str]:
        """Return the names of a folder's direct entries, in no order."""
        found = self._index().get(folder)
        return found.names() if found else []

    def has_folder(self, folder: str) -> bool:
        """Tell whether the archive has such a folder."""
        return folder in self._index()

    def has_file(self, name: str) -> bool:
        """Tell whether the archive has such a file."""
        return self._find(name) is not None

    def read(self, name: str) -> bytes:
        """Return a member's content."""
        member = self._find(name)
        if member is None:
            raise SourceError(f"{self.path}: no member {name!r}. Get the archive again")
        try:
            data = self._content(member)
        except (zlib.error, struct.error) as error:
            raise self._damaged(name, str(error)) from None
        if member.crc32 >= 0 and crc32(data) != member.crc32:
            raise self._damaged(name, "its checksum does not match")
        return data

    def _content(self, member: Member) -> bytes:
        if member.crc32 < 0:
            return self._range(member.start, member.stored)
        name_length, extra_length = _LOCAL_HEADER.unpack(self._range(member.start, 30))
        data = self._range(member.start + 30 + name_length + extra_length, member.stored)
        return data if member.method == zipfile.ZIP_STORED else zlib.decompress(data, -15)

    def _range(self, start: int, length: int) -> bytes:
        data = bytes(self._files.cat_file(self.path, start=start, end=start + length))
        if len(data) != length:
            raise struct.error(f"{length} bytes at {start} are beyond the archive's end")
        return data

    def _damaged(self, name: str, why: str) -> SourceError:
        return SourceError(f"{self.path}: member {name!r}: {why}. Get the archive again")

    def _find(self, name: str) -> Member | None:
        folder, _, base = name.rpartition("/")
        found = self._index().get(folder)
        return found.find(base) if found else None

    def _index(self) -> dict[str, _Folder]:
        if self._folders is None:
            folders: dict[str, _Folder] = {"": _Folder()}
            read_members = zip_members if self.path.endswith(".zip") else tar_members
            try:
                with self._files.open(self.path, "rb") as file:
                    for name, member in read_members(file):
                        self._check_name(name)
                        folder, _, base = name.rpartition("/")
                        _make_folder(folders, folder).add(base, member)
            except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
                raise SourceError(
                    f"{self.path}: not readable as an archive ({error}). Get it again"
                ) from None
            for entry in folders.values():
                entry.close()
            self._folders = folders
        return self._folders

    def _check_name(self, name: str) -> None:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise SourceError(
                f"{self.path}: member {name!r} leads out of the archive. Get it from where it is "
                "published"
            )


class MountedArchives:
    """The members of archives, and the folder they lie in, under one root."""

    def __init__(self, root: str, archives: Sequence[Archive], folder: "RawFiles | None") -> None:
        self.root = root
        self._archives = archives
        self._folder = folder

    def read(self, name: str) -> bytes:
        """Return a file's content; what lies unpacked comes first."""
        if self._folder is not None and self._folder.exists(name):
            return self._folder.read(name)
        archive = self._find(name)
        if archive is None:
            raise SourceError(f"{self.where(name)}: no such file")
        return archive.read(name)

    def exists(self, name: str) -> bool:
        """Tell whether a file or folder of that name exists."""
        if self._folder is not None and self._folder.exists(name):
            return True
        return self._find(name) is not None or any(
            archive.has_folder(name) for archive in self._archives
        )

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries, the archives' and the disk's."""
        names = set(self._folder.list(folder)) if self._folder is not None else set()
        return sorted(names.union(*(archive.list(folder) for archive in self._archives)))

    def where(self, name: str) -> str:
        """Return archive and member, or the path if no archive has the file's folder."""
        folder = name.rpartition("/")[0]
        for archive in self._in_likely_order(name):
            if archive.has_folder(folder):
                return f"{archive.path}: {name}"
        return f"{self.root.rstrip('/')}/{name}"

    def _find(self, name: str) -> Archive | None:
        return next((a for a in self._in_likely_order(name) if a.has_file(name)), None)

    def _in_likely_order(self, name: str) -> Iterator[Archive]:
        """Yield first the archives named like a folder on the way: others need no index then."""
        steps = name.split("/")
        yield from (archive for archive in self._archives if archive.stem in steps)
        yield from (archive for archive in self._archives if archive.stem not in steps)


def find_archives(files: Any, root: str, paths: Sequence[str]) -> list[Archive]:
    """Return the archives among paths of one file system.

    Raises:
        SourceError: There are only compressed ones, which cannot be read at random.
    """
    compressed = [path for path in paths if path.lower().endswith(_COMPRESSED)]
    if compressed and len(compressed) == len(paths):
        raise SourceError(
            f"{compressed[0]}: a compressed tar cannot be read at random. Uncompress it once (for "
            "example: gunzip), and pass --root with the folder of the .tar"
        )
    return [
        Archive(files, path)
        for path in sorted(paths)
        if path.lower().endswith((".zip", ".tar")) and files.isfile(path)
    ]


def _make_folder(folders: dict[str, _Folder], name: str) -> _Folder:
    """Return the record of a folder, making it and those above it where they are new."""
    found = folders.get(name)
    if found is None:
        above, _, base = name.rpartition("/")
        insort(_make_folder(folders, above).subfolders, base)
        found = folders[name] = _Folder()
    return found
