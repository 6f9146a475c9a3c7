"""Datasets inside archives, .zip and plain .tar, with random access.

The members of all archives of a root appear as files under that root, beside its unpacked files.
An archive is indexed at its first use.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isal.isal_zlib import crc32

from commands.retry import read_with_retries
from datasets.files.archive_members import Folder, Member, index_archive
from datasets.files.folders import RawFiles
from datasets.tracks import SourceError

COMPRESSED_ADVICE = (
    "a compressed tar cannot be read at random. Uncompress it once (for example: gunzip), and pass "
    "--root with the folder of the .tar"
)
_MOST_BYTES = 1 << 30
"""Largest size of a compressed member; COCO's annotations have half of that."""
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Header of a zip member: lengths of its name and of its extra field."""


class Archive:
    """One .zip or .tar; ``files`` is the fsspec file system it lies on."""

    def __init__(self, files: Any, path: str, where: str) -> None:
        self.where = where
        self._path = path
        self._files = files
        self._folders: dict[str, Folder] | None = None

    @property
    def stem(self) -> str:
        """The archive's name without folder and suffix."""
        return self._path.rpartition("/")[2].rpartition(".")[0]

    def list(self, folder: str) -> list[str]:
        """Return the names of a folder's direct entries, unsorted."""
        indexed = self._index().get(folder)
        return indexed.names() if indexed else []

    def has_folder(self, folder: str) -> bool:
        """Return True if the archive has such a folder."""
        return folder in self._index()

    def has_file(self, name: str) -> bool:
        """Return True if the archive has such a file."""
        return self._find(name) is not None

    def read(self, name: str) -> bytes:
        """Return a member's content."""
        member = self._find(name)
        if member is None:
            raise SourceError(f"{self.where}: no member {name!r}. Get the archive again")
        try:
            data = self._content(member)
        except (zlib.error, struct.error, ValueError) as error:
            raise self._damaged(name, str(error)) from None
        if member.crc32 >= 0 and crc32(data) != member.crc32:
            raise self._damaged(name, "its checksum does not match")
        return data

    def _content(self, member: Member) -> bytes:
        if member.crc32 < 0:
            return self._range(member.start, member.stored)
        name_length, extra_length = _LOCAL_HEADER.unpack(self._range(member.start, 30))
        data = self._range(member.start + 30 + name_length + extra_length, member.stored)
        if member.method == zipfile.ZIP_STORED:
            return data
        unpacker = zlib.decompressobj(-15)
        unpacked = unpacker.decompress(data, _MOST_BYTES)
        if unpacker.unconsumed_tail:
            raise zlib.error(f"it unpacks to more than {_MOST_BYTES} bytes")
        return unpacked

    def _range(self, start: int, length: int) -> bytes:
        end = start + length
        data = read_with_retries(self._files, self._path, where=self.where, start=start, end=end)
        if len(data) != length:
            raise struct.error(f"{length} bytes at {start} are beyond the archive's end")
        return data

    def _damaged(self, name: str, why: str) -> SourceError:
        return SourceError(f"{self.where}: member {name!r}: {why}. Get the archive again")

    def _find(self, name: str) -> Member | None:
        folder, _, base = name.rpartition("/")
        indexed = self._index().get(folder)
        return indexed.find(base) if indexed else None

    def _index(self) -> dict[str, Folder]:
        if self._folders is None:
            version = self._files.ukey(self._path)
            self._folders = index_archive(self._files, self._path, self.where, version)
        return self._folders


class MountedArchives:
    """The members of archives, and the folder they lie in, under one root."""

    def __init__(self, root: str, archives: Sequence[Archive], folder: RawFiles | None) -> None:
        self.root = root
        self._archives = archives
        self._folder = folder

    def read(self, name: str) -> bytes:
        """Return a file's content; unpacked files take precedence."""
        if self._folder is not None and self._folder.exists(name):
            return self._folder.read(name)
        archive = self._find(name)
        if archive is None:
            raise SourceError(f"{self.where(name)}: no such file")
        return archive.read(name)

    def exists(self, name: str) -> bool:
        """Return True if a file or folder of that name exists."""
        if self._folder is not None and self._folder.exists(name):
            return True
        return self._find(name) is not None or any(
            archive.has_folder(name) for archive in self._archives
        )

    def list(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's direct entries, the archives' and the disk's."""
        names = set(self._folder.list(folder)) if self._folder is not None else set()
        return sorted(names.union(*(archive.list(folder) for archive in self._archives)))

    def sizes(self, folder: str) -> dict[str, int]:
        """Return no sizes: an archive's index has those of the compressed content."""
        return {}

    def where(self, name: str) -> str:
        """Return archive and member, or the path if no archive has the file's folder."""
        folder = name.rpartition("/")[0]
        for archive in self._in_likely_order(name):
            if archive.has_folder(folder):
                return f"{archive.where}: {name}"
        return f"{self.root.rstrip('/')}/{name}"

    def _find(self, name: str) -> Archive | None:
        return next((a for a in self._in_likely_order(name) if a.has_file(name)), None)

    def _in_likely_order(self, name: str) -> Iterator[Archive]:
        """Yield first the archives named like a folder of the path: others may need no index."""
        steps = name.split("/")
        yield from (archive for archive in self._archives if archive.stem in steps)
        yield from (archive for archive in self._archives if archive.stem not in steps)


def is_archive(path: str) -> bool:
    """Return True if a file name is that of an archive, readable or not."""
    return path.lower().endswith((".zip", ".tar")) or is_compressed(path)


def is_compressed(path: str) -> bool:
    """Return True if a file name is that of a compressed tar, which has no random access."""
    return path.lower().endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"))


def find_archives(files: Any, paths: Mapping[str, str]) -> list[Archive]:
    """Return the archives among paths of one file system.

    Args:
        files: The fsspec file system.
        paths: Name of each path in messages.

    Raises:
        SourceError: There are only compressed ones, which cannot be read at random.
    """
    compressed = [path for path in paths if is_compressed(path)]
    if compressed and len(compressed) == len(paths):
        raise SourceError(f"{paths[compressed[0]]}: {COMPRESSED_ADVICE}")
    return [
        Archive(files, path, paths[path])
        for path in sorted(paths)
        if is_archive(path) and path not in compressed and files.isfile(path)
    ]
