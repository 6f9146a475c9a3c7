"""Uncompressed tar archives with known offsets of their members."""

import hashlib
import tarfile
import urllib.parse
from typing import BinaryIO

_BLOCK = 512
_EMPTY_HEADER = tarfile.TarInfo().tobuf(tarfile.USTAR_FORMAT)


class TarWriter:
    """Appends files to an uncompressed USTAR archive and returns their offsets."""

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
        self._write(_header(name, len(data)))
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


def _header(name: str, size: int) -> bytes:
    """Return the header of ``tarfile.TarInfo`` for an ASCII name under 100 characters, faster.

    All but name, size and checksum is the same for every file.
    """
    header = bytearray(_EMPTY_HEADER)
    header[: len(name)] = name.encode("ascii")
    header[124:135] = b"%011o" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def sample_key(track: str, frame: int) -> str:
    """Return the name of a sample in its shard: ASCII, without dots, under 90 characters."""
    raw = track.encode(errors="surrogateescape")
    folder = urllib.parse.quote(raw, safe="").replace(".", "%2E")
    if len(folder) > 72:
        folder = f"{folder[:48]}~{hashlib.sha256(raw).hexdigest()[:16]}"
    return f"{folder}/{frame:08d}"
