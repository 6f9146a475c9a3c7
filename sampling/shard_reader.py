"""Reading of single JPEGs, out of local shards or memory, each checked against its checksum."""

import os
from collections.abc import Sequence

from isal import isal_zlib

MAX_OPEN_FILES = 128

HeldCrops = dict[tuple[int, int], bytes]
"""(shard, offset) to a JPEG in memory."""


class ShardReader:
    """Reads byte ranges of local shards; opens each shard when it is first needed."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._files: dict[int, int] = {}

    def read(self, shard: int, offset: int, num_bytes: int, crc32: int) -> bytes:
        """Return the bytes of one crop.

        Raises:
            ValueError: The shard ends too early, or the bytes are not those that were indexed.
            OSError: The shard cannot be read.
        """
        file = self._files.get(shard)
        data = os.pread(self._open(shard) if file is None else file, num_bytes, offset)
        check_crop(data, num_bytes=num_bytes, crc32=crc32)
        return data

    def close(self) -> None:
        """Close all shards."""
        while self._files:
            os.close(self._files.popitem()[1])

    def _open(self, shard: int) -> int:
        if len(self._files) >= MAX_OPEN_FILES:
            os.close(self._files.pop(next(iter(self._files))))  # the one opened first
        file = self._files[shard] = os.open(self._paths[shard], os.O_RDONLY | os.O_CLOEXEC)
        return file


def read_held(crops: HeldCrops, shard: int, offset: int, num_bytes: int, crc32: int) -> bytes:
    """Return the bytes of a crop in memory; raises ValueError as `ShardReader.read` does."""
    data = crops[shard, offset]
    check_crop(data, num_bytes=num_bytes, crc32=crc32)
    return data


def check_crop(data: bytes, *, num_bytes: int, crc32: int) -> None:
    """Check that a crop's bytes are those that the manifest indexed.

    Raises:
        ValueError: They are not.
    """
    if len(data) != num_bytes:
        raise ValueError(f"{len(data)} bytes, expected {num_bytes}; the shard is cut off")
    if (actual := isal_zlib.crc32(data)) != crc32:
        raise ValueError(f"crc32 {actual:08x}, expected {crc32:08x}; the shard was changed")
