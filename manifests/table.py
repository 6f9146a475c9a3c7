"""Reading and writing manifests: one Parquet file per build, one row per crop pair."""

import dataclasses
import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet

from commands.files import write_whole
from commands.json_files import parse_json
from commands.stores import open_file
from manifests.crop_spec import CropSpec
from manifests.exact import select_rows
from manifests.schema import SCHEMA, SCHEMA_VERSION, ManifestError
from manifests.shards import ShardInfo, shard_problems, shard_url

logger = logging.getLogger(__name__)

_File = io.BufferedReader | io.BytesIO
_KEY = b"dcffnet"
_CROP_KEYS = {
    "template": "template_size",
    "search": "search_size",
    "context": "context",
    "margin": "margin",
}
"""Fields of `CropSpec` by name, with their keys in a manifest's metadata."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """A manifest's record of its build."""

    source: str
    crop: CropSpec = field(default_factory=CropSpec)
    """Sizes and scale of the crops."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The build's settings, as given and derived."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Frames in, kept, and dropped by reason."""
    shards: tuple[ShardInfo, ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Manifest:
    """An opened manifest."""

    url: str
    rows: pl.DataFrame
    """One row per crop pair, columns as in `manifests.schema.COLUMNS`."""
    metadata: Metadata
    fingerprint: str
    """SHA-256 of the file, hexadecimal."""

    def files(self) -> list[str]:
        """Return the paths or URLs of the manifest and its shards."""
        return [self.url, *(shard_url(self.url, shard.name) for shard in self.metadata.shards)]


def write_manifest(url: str, rows: pl.DataFrame, metadata: Metadata) -> None:
    """Write a manifest; readers see all of it or nothing.

    Raises:
        ManifestError: The rows do not have the schema's columns.
    """
    missing = [name for name in SCHEMA.names() if name not in rows.columns]
    if missing:
        raise ManifestError(f"{url}: rows without the columns {missing}; nothing was written")
    table = rows.select(SCHEMA.names()).cast(SCHEMA).to_arrow()
    content = dataclasses.asdict(metadata)
    crop = content.pop("crop")
    content |= {key: crop[name] for name, key in _CROP_KEYS.items()}
    text = json.dumps(content, sort_keys=True).encode()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: text})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd", row_group_size=1 << 17)
    write_whole(url, buffer.getvalue())


def read_manifest(url: str, *, where: str | None = None, check_shards: bool = True) -> Manifest:
    """Open a manifest, check it, and return it.

    Args:
        url: Path or fsspec URL of the Parquet file.
        where: SQL condition on the columns that selects rows, such as ``"category = 'dog'"``.
        check_shards: Check that all shards lie beside the manifest and have their sizes.

    Raises:
        ManifestError: It is missing or not a manifest, has another schema version, lacks a
            column, a shard is absent or has another size, or no row satisfies the condition.
    """
    (manifest,) = read_manifests([url], where=where, check_shards=check_shards)
    return manifest


def read_manifests(
    urls: Sequence[str], *, where: str | None = None, check_shards: bool = True
) -> list[Manifest]:
    """Open manifests as `read_manifest` does, and leave out those without a selected row.

    One condition serves all sources: ``"source != 'uav123'"`` excludes a whole manifest.

    Raises:
        ManifestError: As `read_manifest`, or there are no manifests, or no selected row in any.
    """
    if not urls:
        raise ManifestError("--manifests: none given. Build one with `python -m datasets.build`")
    manifests = [_read_one(url, where, check_shards=check_shards) for url in urls]
    if where is None:
        return manifests
    selected = [manifest for manifest in manifests if not manifest.rows.is_empty()]
    if not selected:
        raise ManifestError(f"{', '.join(urls)}: no row satisfies {where!r}. Check the condition")
    for manifest in manifests:
        if manifest.rows.is_empty():
            logger.info("%s: no row satisfies the condition; left out", manifest.url)
    return selected


def _read_one(url: str, where: str | None, *, check_shards: bool) -> Manifest:
    with _open(url) as file:
        metadata = _read_metadata(url, file)
        rows = _read_rows(url, file, where)
        if check_shards and (problem := next(shard_problems(url, metadata.shards), None)):
            raise ManifestError(problem)
        file.seek(0)
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    return Manifest(url=url, rows=rows, metadata=metadata, fingerprint=fingerprint)


def _open(url: str) -> _File:
    """Open a local file, or read a remote one into memory: manifests are small."""
    try:
        if "://" not in url:
            return Path(url).open("rb")
        with open_file(url) as remote:
            return io.BytesIO(remote.read())
    except FileNotFoundError:
        raise ManifestError(
            f"{url}: no such manifest. Build it with `python -m datasets.build`"
        ) from None
    except ValueError as error:  # an unknown protocol
        raise ManifestError(f"{url}: {error}. Pass a path, or a URL such as s3://...") from None


def _read_rows(url: str, file: _File, where: str | None) -> pl.DataFrame:
    """Read the rows and filter them while reading: the whole table need not fit in memory."""
    file.seek(0)
    try:
        rows = pl.scan_parquet(file)
        schema = rows.collect_schema()
        missing = [name for name in SCHEMA.names() if name not in schema]
        if missing:
            raise ManifestError(f"{url}: lacks the columns {missing}. Build it again")
        rows = rows.cast({name: dtype for name, dtype in SCHEMA.items() if schema[name] != dtype})
        return rows.collect() if where is None else select_rows(rows, where)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = " ".join(str(error).split())[:200]
        raise ManifestError(f"{url}: damaged ({reason}). Copy or build it again") from None


def _read_metadata(url: str, file: _File) -> Metadata:
    try:
        stored = pyarrow.parquet.read_schema(file).metadata or {}
    except (pyarrow.ArrowException, OSError):
        raise ManifestError(f"{url}: not a Parquet file. Copy or build it again") from None
    if _KEY not in stored:
        raise ManifestError(f"{url}: a Parquet file, but no manifest of this toolkit")
    try:
        content = dict(parse_json(stored[_KEY]))
    except (ValueError, TypeError):
        raise ManifestError(
            f"{url}: its metadata are no JSON object. Copy or build it again"
        ) from None
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ManifestError(
            f"{url}: schema version {version}, expected {SCHEMA_VERSION}. Build it again, or use "
            "the toolkit that wrote it"
        )
    try:
        # fields of a later minor version are left out: they only add
        shards = tuple(ShardInfo(**_fields(ShardInfo, shard)) for shard in content.pop("shards"))
        if wrong := [shard.name for shard in shards if type(shard.name) is not str]:
            raise TypeError(f"names of shards are {wrong}")
        crop = {name: content.pop(key) for name, key in _CROP_KEYS.items() if key in content}
        if wrong := [side for side in crop.values() if type(side) not in (int, float)]:
            raise TypeError(f"sizes of crops are {wrong}")
        known = _fields(Metadata, content)
        return Metadata(**known, crop=CropSpec(**crop), shards=shards)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestError(
            f"{url}: its metadata are damaged ({error!r}). Copy or build it again"
        ) from None


def _fields(record: type[Metadata] | type[ShardInfo], content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items of ``content`` that are fields of a dataclass."""
    return {name: content[name] for name in record.__dataclass_fields__ if name in content}
