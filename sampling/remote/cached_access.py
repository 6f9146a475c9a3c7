"""Random access to shards: remote ones through the cache, local ones from where they are."""

import os
from collections.abc import Sequence

from sampling.pair_index import Shard
from sampling.remote.cache import Lease, ShardCache
from sampling.remote.reader import is_remote
from sampling.shard_reader import ShardReader, check_crop


class CachedReader:
    """Reads crops of remote shards through a cache, of local ones from where they lie.

    Args:
        cache: Where the copies are.
        shards: All shards, in the order in which records count them.
        local: Reads the local ones.
    """

    def __init__(self, cache: ShardCache, shards: Sequence[Shard], local: ShardReader) -> None:
        self._cache, self._shards, self._local = cache, shards, local

    def read(self, shard: int, offset: int, num_bytes: int, crc32: int) -> bytes:
        """Return the bytes of one crop; see `sampling.shard_reader.ShardReader.read`."""
        if not is_remote(self._shards[shard].url):
            return self._local.read(shard, offset, num_bytes, crc32)
        with self._cache.acquire(self._shards[shard]) as file:
            data = os.pread(file, num_bytes, offset)
        check_crop(data, num_bytes=num_bytes, crc32=crc32)
        return data


class CachedShards:
    """All shards; remote ones are fetched into the cache.

    Args:
        shards: In the order in which records count them.
        cache: Where the copies are.
    """

    def __init__(self, shards: Sequence[Shard], cache: ShardCache) -> None:
        self._shards, self._cache = shards, cache

    def is_fetched(self, number: int) -> bool:
        """Return True for a remote shard."""
        return is_remote(self._shards[number].url)

    def fetch(self, number: int) -> Lease:
        """Return the copy of a shard; raises as `ShardCache.acquire` does."""
        return self._cache.acquire(self._shards[number])

    def close(self) -> None:
        """Make all waiting `fetch` calls give up."""
        self._cache.close()
