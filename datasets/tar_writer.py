"""Uncompressed tar archives whose members can be found again by offset."""

import hashlib
import tarfile
import urllib.parse
from typing import BinaryIO

_BLOCK = 512


class TarWriter:
    """Appends files to an uncompressed USTAR archive and says where their content starts."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._position = 0

    @property
    def sha256(self) -> str:
        """Checksum of everything written so far, hexadecimal."""
        return self._hash.hexdigest()

    def add(self, name: str, data: bytes) -> int:
        """Append a file and return the offset of its content in the archive."""
        header = tarfile.TarInfo(name)
        header.size = len(data)
        self._write(header.tobuf(tarfile.USTAR_FORMAT))
        offset = self._position
        self._write(data)
        self._write(bytes(-len(data) % _BLOCK))
        return offset

    def close(self) -> int:
        """Append the end of the archive and return its size; the file itself stays open."""
        self._write(bytes(2 * _BLOCK))
        return self._position

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._position += len(data)


def sample_key(track: str, frame: int) -> str:
    """Return the name of a sample in its shard: ASCII, without dots, under 90 characters."""
    raw = track.encode(errors="surrogateescape")
    folder = urllib.parse.quote(raw, safe="").replace(".", "%2E")
    if len(folder) > 72:
        folder = f"{folder[:48]}~{hashlib.sha256(raw).hexdigest()[:16]}"
    return f"{folder}/{frame:08d}"
