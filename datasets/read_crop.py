"""Reading stored crops: the bytes in a shard of one row of a manifest."""

from typing import Any, Literal

from isal.isal_zlib import crc32

from commands.stores import open_file
from manifests.schema import ManifestError
from manifests.shards import shard_url


def read_jpeg(manifest_url: str, row: dict[str, Any], crop: Literal["z", "x"]) -> bytes:
    """Return the stored JPEG of a row's template (``z``) or search crop (``x``).

    Raises:
        ManifestError: The shard is missing or too short, is on a server without range requests, or
            the checksum of the bytes does not match.
    """
    url = shard_url(manifest_url, row["shard"])
    offset, length = row[f"{crop}_offset"], row[f"{crop}_bytes"]
    try:
        with open_file(url) as shard:
            shard.seek(offset)
            data = bytes(shard.read(length))
    except FileNotFoundError:
        raise ManifestError(f"{url}: no such shard, but {manifest_url} names it") from None
    except ValueError as error:  # from a web server
        raise ManifestError(f"{url}: {error} Copy the dataset to a disk or a bucket") from None
    if crc32(data) != row[f"{crop}_crc32"]:
        raise ManifestError(
            f"{url}: {row['track']} frame {row['frame']}: the {length} bytes at {offset} are not "
            "those that were written. Copy the shard again or build it again"
        )
    return data
