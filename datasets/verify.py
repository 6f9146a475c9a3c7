"""Check manifests and the shards beside them against damage and change.

    python -m datasets.verify --manifests data/shards/lasot/manifest.parquet
    python -m datasets.verify --manifests s3://shards/coco/manifest.parquet --deep

Reads every shard once: sizes, checksums, and the bytes that each row points at. With ``--deep``
it also decodes every crop. Stops after the first kind of damage, with the list of it.
"""

import logging
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import polars as pl
from isal.isal_zlib import crc32
from tqdm import tqdm

from commands.run import run_command
from commands.stores import open_file
from datasets.images import check_image, decode_image
from datasets.outside import IS_OUTSIDE
from datasets.shards.tar import sample_key
from manifests.schema import ManifestError
from manifests.shards import ShardInfo, shard_problems, shard_url
from manifests.table import Manifest, read_manifests

logger = logging.getLogger(__name__)

_Kind = Literal["checksum", "place", "picture"]
_BLOCK = 512
_COLUMNS = ("track", "frame", *(f"{c}_{n}" for c in "zx" for n in ("offset", "bytes", "crc32")))


@dataclass(frozen=True, kw_only=True)
class VerifyConfig:
    """Check manifests and the shards beside them against damage and change."""

    manifests: tuple[str, ...]
    """Path or URL of each manifest."""
    deep: bool = False
    """Also decode every crop."""


def verify(config: VerifyConfig) -> int:
    """Check all builds and return the exit code.

    Raises:
        ManifestError: A manifest itself cannot be read.
    """
    manifests = read_manifests(config.manifests, check_shards=False)
    return max([_verify(manifest, deep=config.deep) for manifest in manifests])


def _verify(manifest: Manifest, *, deep: bool) -> int:
    """Check one build and return the exit code."""
    shards = manifest.metadata.shards
    for check in (_check_manifest(manifest), shard_problems(manifest.url, shards)):
        if problems := list(check):
            return _report(problems)
    rows = manifest.rows.partition_by("shard", as_dict=True, maintain_order=True)
    problems_of: dict[_Kind, list[str]] = {"checksum": [], "place": [], "picture": []}
    for shard in tqdm(shards, unit="shard", desc="verify", disable=None):
        table = rows.get((shard.name,), manifest.rows.clear())
        for kind, problem in _check_shard(manifest, shard, table, deep=deep):
            problems_of[kind].append(problem)
    checksums = problems_of["checksum"]
    if len(checksums) == len(shards) > 1:
        checksums.insert(0, f"{manifest.url}: no shard beside it is the one it was written for")
    for problems in (checksums + problems_of["place"], problems_of["picture"]):
        if problems:
            return _report(problems)
    num_rows = len(manifest.rows)
    logger.info("%s: %d rows in %d shards are whole", manifest.url, num_rows, len(shards))
    return 0


def _report(problems: Sequence[str]) -> int:
    for problem in problems[:50]:
        logger.error("%s", problem)
    if len(problems) > 50:
        logger.error("and %d more", len(problems) - 50)
    return 1


def _check_manifest(manifest: Manifest) -> Iterator[str]:
    """Yield contradictions within the manifest."""
    rows = manifest.rows
    needed = rows.drop("occluded", "truncated", "generated")  # unknown in some sources
    for name, num_rows in needed.null_count().row(0, named=True).items():
        if num_rows:
            yield f"{manifest.url}: {num_rows} rows without {name}"
    if repeats := len(rows) - rows.select(pl.struct("track", "frame").n_unique()).item():
        yield f"{manifest.url}: {repeats} rows of a track and frame that another row has"
    outside = rows.filter(IS_OUTSIDE)
    for track, frame in outside.select("track", "frame").head(1).iter_rows():
        yield (
            f"{manifest.url}: {outside.height} rows of targets wholly outside of their frames, "
            f"such as {track} in frame {frame}: their crops show nothing. Build it again, elsewhere"
        )
    counted = dict(rows.group_by("shard").len().iter_rows())
    shards = manifest.metadata.shards
    for shard in shards:
        num_rows = counted.pop(shard.name, 0)
        if num_rows != shard.num_rows:
            yield f"{manifest.url}: {num_rows} rows of {shard.name}, expected {shard.num_rows}"
    for name, num_rows in counted.items():
        where = f"{manifest.url}: {num_rows} rows of {name!r}"
        yield f"{where}, which is none of its {len(shards)} shards"
    splits = rows.group_by("group").agg(pl.col("split").n_unique())
    for group in splits.filter(pl.col("split") > 1)["group"]:
        yield f"{manifest.url}: group {group!r} is in both splits"


def _check_shard(
    manifest: Manifest, shard: ShardInfo, rows: pl.DataFrame, *, deep: bool
) -> Iterator[tuple[_Kind, str]]:
    """Read one shard and yield the problems of its bytes and of its rows."""
    where = shard_url(manifest.url, shard.name)
    try:
        with open_file(where) as file:
            data = memoryview(file.read())
    except FileNotFoundError:  # on a web server, whose shards are not listed
        yield "checksum", f"{where}: no such shard"
        return
    if sha256(data).hexdigest() != shard.sha256:
        yield "checksum", f"{where}: its bytes are not those that were written (SHA-256)"
    crop = manifest.metadata.crop
    sizes = {"z": crop.stored_template, "x": crop.stored_search}
    for row in rows.select(_COLUMNS).iter_rows(named=True):
        for letter, size in sizes.items():
            if problem := _check_place(data, row, letter):
                yield "place", f"{where}: {problem}"
            elif deep:
                start = row[f"{letter}_offset"]
                jpeg = bytes(data[start : start + row[f"{letter}_bytes"]])
                if problem := _check_picture(jpeg, size):
                    yield "picture", f"{where}: {_name(row, letter)}: {problem}"


def _check_place(data: memoryview, row: dict[str, Any], letter: str) -> str | None:
    """Return the problem of the bytes that a row points at, or None."""
    start, length = row[f"{letter}_offset"], row[f"{letter}_bytes"]
    if start < _BLOCK or start + length > len(data):
        return f"{_name(row, letter)} is said to be at byte {start}, outside of the shard"
    try:
        header = tarfile.TarInfo.frombuf(bytes(data[start - _BLOCK : start]), "ascii", "replace")
    except tarfile.HeaderError:
        return f"{_name(row, letter)} is said to be at byte {start}, where no file starts"
    if header.name != _name(row, letter) or header.size != length:
        return (
            f"{_name(row, letter)} is said to be at byte {start}, where {header.name} is, of "
            f"{header.size} bytes instead of {length}"
        )
    if crc32(data[start : start + length]) != row[f"{letter}_crc32"]:
        return f"{_name(row, letter)} is not what was written (CRC-32)"
    return None


def _check_picture(jpeg: bytes, size: int) -> str | None:
    try:
        width, height = check_image(jpeg)
        if (width, height) != (size, size):
            return f"{width} x {height} px, expected {size} x {size}"
        decode_image(jpeg, strict=True)
    except ValueError as error:
        return str(error)
    return None


def _name(row: dict[str, Any], letter: str) -> str:
    return f"{sample_key(row['track'], row['frame'])}.{letter}.jpg"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    prog = "python -m datasets.verify"
    return run_command(VerifyConfig, verify, argv, prog=prog, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
