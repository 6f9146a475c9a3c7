"""Stream access: each shard is read once from start to end, and nothing is kept on disk.

The wanted crops of a window of shards are in memory while its pairs are made. Order and pixels of
the pairs follow from the plan, as in random access.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tarfile import TarError
from threading import Event
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from webdataset.tariterators import tar_file_expander

from manifests.schema import ManifestError
from sampling.pair_index import Shard, crop_locations
from sampling.remote.prefetch import Prefetch
from sampling.remote.reader import PieceFile, RemoteReader
from sampling.shard_reader import HeldCrops

SHARDS_PER_WINDOW = 4
"""Shards whose pairs are mixed, and whose wanted crops are in memory together."""

Wanted = Mapping[int, Mapping[str, int]]
"""Shard to the names of its wanted members, each with its offset."""


class PassedShard(NamedTuple):
    """The wanted crops of one shard, by offset."""

    crops: dict[int, bytes]

    def close(self) -> None:
        """Do nothing: the memory is freed with the object."""


class PassingShards:
    """All shards, each read from start to end when it is fetched.

    Args:
        wanted: The members to keep.
        reader: Reads remote shards.
    """

    def __init__(self, wanted: Wanted, reader: RemoteReader) -> None:
        self._wanted, self._reader = wanted, reader
        self._stop = Event()

    def is_fetched(self, shard: Shard) -> bool:
        """Return True: local shards pass as well."""
        return True

    def fetch(self, shard: Shard) -> PassedShard:
        """Read a shard and return its wanted crops.

        Raises:
            ManifestError: The shard is missing or cut off, or lacks a wanted crop.
            OSError: It could not be read.
        """
        missing = dict(self._wanted[shard.number])
        crops = {}
        with self._opened(shard) as stream:
            members = tar_file_expander(
                [{"url": shard.url, "stream": stream}],
                select_files=missing.__contains__,
                handler=_raise_plainly,
            )
            for member in members:
                if "fname" in member:  # else the end of the shard
                    crops[missing.pop(member["fname"])] = member["data"]
        if missing:
            raise ManifestError(
                f"{shard.url}: no {next(iter(missing))} in it, but the manifest says so "
                f"({len(missing)} such crops). The shard was replaced; copy both again"
            )
        return PassedShard(crops)

    def close(self) -> None:
        """End the pauses between attempts."""
        self._stop.set()

    @contextmanager
    def _opened(self, shard: Shard) -> Iterator[PieceFile | IO[bytes]]:
        if shard.path is None:
            yield PieceFile(self._reader.pieces(shard.url, shard.num_bytes, stop=self._stop))
        else:
            with Path(shard.path).open("rb") as file:
                yield file


def held_crops(shards: Prefetch, records: NDArray[np.void]) -> HeldCrops:
    """Return the crops of some pairs, whose shards were fetched by `PassingShards`."""
    crops: HeldCrops = {}
    for shard, offset in crop_locations(records):
        passed = shards.lease(shard)
        assert isinstance(passed, PassedShard)
        crops[shard, offset] = passed.crops[offset]
    return crops


def _raise_plainly(error: Exception) -> Any:
    """Raise an error of reading without webdataset's additions to its message."""
    message = str(error.args[0]).partition(" @ ")[0]
    if isinstance(error, TarError):
        raise ManifestError(f"{message}; the shard is cut off. Copy it again") from None
    raise type(error)(message) from None
