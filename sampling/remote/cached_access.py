"""Random access to shards: remote ones through the cache, local ones from where they are."""

from collections.abc import Callable, Sequence

from sampling.pair_index import Shard
from sampling.remote.cache import Lease, ShardCache
from sampling.remote.reader import is_remote
from sampling.shard_reader import ShardReader, check_crop


class RandomReader:
    """Reads crops of local shards from the disk, and of remote ones by a function.

    Args:
        shards: All shards, in the order in which records count them.
        local: Reads the local ones.
        fetch: (shard, offset, num_bytes) to bytes of a remote one.
    """

    def __init__(
        self, shards: Sequence[Shard], local: ShardReader, fetch: Callable[[Shard, int, int], bytes]
    ) -> None:
        self._shards, self._local, self._fetch = shards, local, fetch

    def read(self, shard: int, offset: int, num_bytes: int, crc32: int) -> bytes:
        """Return the bytes of one crop; see `sampling.shard_reader.ShardReader.read`."""
        if not is_remote(self._shards[shard].url):
            return self._local.read(shard, offset, num_bytes, crc32)
        data = self._fetch(self._shards[shard], offset, num_bytes)
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
