"""The shards beside a manifest: their record, their places, their sizes."""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.places import local_path
from commands.stores import file_system
from manifests.schema import ManifestError


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardInfo:
    """One shard of a build."""

    name: str
    """File name, relative to the manifest."""
    num_bytes: int
    num_rows: int
    sha256: str
    """Checksum of the whole file."""


def shard_problems(url: str, shards: Sequence[ShardInfo]) -> Iterator[str]:
    """Yield the problems of the shards beside a manifest: absent, or of another size.

    Web servers list no sizes, and many list nothing; problems show there when a shard is read.
    """
    if url.startswith(("http://", "https://")):
        return
    sizes = _sizes(url, shards)
    for shard in shards:
        where = shard_url(url, shard.name)
        if shard.name not in sizes:
            yield f"{where}: no such shard, but {url} names it. Copy or build it"
        elif sizes[shard.name] != shard.num_bytes:
            yield (
                f"{where}: {sizes[shard.name]} bytes, expected {shard.num_bytes}. Copy it again "
                "or build it again"
            )


def _sizes(url: str, shards: Sequence[ShardInfo]) -> dict[str, int]:
    """Return the sizes of the existing shards; a bucket lists them in one request."""
    if local_path(url) is not None:
        paths = {shard.name: Path(local_path(shard_url(url, shard.name)) or "") for shard in shards}
        return {name: path.stat().st_size for name, path in paths.items() if path.exists()}
    files, folder = file_system(posixpath.dirname(url))
    return {
        posixpath.basename(entry["name"]): entry["size"] for entry in files.ls(folder, detail=True)
    }


def shard_url(manifest_url: str, shard: str) -> str:
    """Return the path or URL of a shard: beside its manifest, or beside the target of a link.

    Raises:
        ManifestError: The name leads out of the manifest's folder.
    """
    if "/" in shard or "\\" in shard or shard in {"", ".", ".."}:
        raise ManifestError(f"{manifest_url}: shard name {shard!r} is not a plain file name")
    beside = posixpath.join(posixpath.dirname(manifest_url), shard)
    path = local_path(manifest_url)
    if path is not None and Path(path).is_symlink() and not Path(path).with_name(shard).exists():
        target = Path(path).resolve().with_name(shard)
        return str(target) if target.exists() else beside
    return beside
