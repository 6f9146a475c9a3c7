"""Progress of a build, kept beside its shards for resuming it.

During a build, ``<out>/.build`` holds ``settings.json`` and one index file per finished shard. The
manifest replaces it at the end.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
import pyarrow.parquet

from commands.json_files import parse_json
from datasets.files.output import Output
from datasets.shards.tasks import ShardResult
from datasets.tracks import SourceError
from manifests.crop_spec import CropSpec
from manifests.schema import SCHEMA, ManifestError
from manifests.shards import ShardInfo
from manifests.table import Manifest, read_manifest

FOLDER = ".build"
_SETTINGS = f"{FOLDER}/settings.json"
_KEY = b"dcffnet-shard"
_LATER = {"template_size": CropSpec.template, "search_size": CropSpec.search}
"""Values of builds that are older than these settings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The finished part of a build."""

    shards: dict[str, ShardResult]
    """Finished shards by name; those of a finished build lack the dropped targets."""
    manifest: Manifest | None
    """None if the build is not finished."""


def start_or_resume(
    output: Output, settings: Mapping[str, Any], parts: Mapping[str, str]
) -> Finished:
    """Return the finished part of a build.

    Args:
        output: The build's folder.
        settings: The settings that decide the shards' bytes.
        parts: Checksum of each part of the annotations.

    Raises:
        ManifestError: The existing part has other settings or other annotations.
    """
    output.remove_leftovers()
    output.remove_leftovers(FOLDER)
    wanted = json.loads(json.dumps({"settings": dict(settings), "parts": dict(parts)}))
    sizes = output.sizes()
    if "manifest.parquet" in sizes:
        manifest = read_manifest(output.where("manifest.parquet"), check_shards=False)
        made = dict(manifest.metadata.settings)
        annotations = {"all": made.pop("annotations", "")}
        wanted["parts"] = {"all": combined_digest(parts)}
        _refuse_difference(manifest.url, {"settings": made, "parts": annotations}, wanted)
        infos = manifest.metadata.shards
        results = [ShardResult(info=info, dropped=Counter(), bad_images=()) for info in infos]
    else:
        manifest = None
        try:
            made = _read_settings(output)
        except FileNotFoundError:
            output.write(_SETTINGS, json.dumps(wanted).encode())
            return Finished(shards={}, manifest=None)
        _refuse_difference(output.where(_SETTINGS), made, wanted)
        names = [name for name in output.sizes(FOLDER) if name.endswith(".parquet")]
        results = [read_index(output, name.removesuffix(".parquet"))[0] for name in names]
    whole = [result for result in results if sizes.get(result.info.name) == result.info.num_bytes]
    return Finished(shards={result.info.name: result for result in whole}, manifest=manifest)


def combined_digest(parts: Mapping[str, str]) -> str:
    """Return one checksum of all parts of the annotations."""
    text = json.dumps(dict(sorted(parts.items())))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_index(output: Output, result: ShardResult, rows: pl.DataFrame) -> None:
    """Record a shard as finished, with its index rows."""
    content = {
        "info": asdict(result.info),
        "dropped": dict(result.dropped),
        "bad_images": result.bad_images,
    }
    text = json.dumps(content).encode()
    table = rows.to_arrow()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: text})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd")
    output.write(f"{FOLDER}/{result.info.name}.parquet", buffer.getvalue())


def read_index(output: Output, shard: str) -> tuple[ShardResult, pl.DataFrame]:
    """Return the record of a finished shard, and its index rows.

    Raises:
        SourceError: The record is damaged.
    """
    name = f"{FOLDER}/{shard}.parquet"
    try:
        data = output.read(name)
    except FileNotFoundError:
        raise SourceError(
            f"{output.where(name)}: no such file, though a worker has written it. Pass an --out "
            "that is the same place for all workers"
        ) from None
    try:
        content = parse_json(pyarrow.parquet.read_schema(io.BytesIO(data)).metadata[_KEY])
        rows = pl.read_parquet(io.BytesIO(data)).cast(SCHEMA)
        result = ShardResult(
            info=ShardInfo(**content["info"]),
            dropped=Counter(content["dropped"]),
            bad_images=tuple(content["bad_images"]),
        )
    except (
        *(ValueError, KeyError, TypeError),
        *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    ) as error:
        raise SourceError(
            f"{output.where(name)}: not readable ({error}). Remove it, and the shard is made again"
        ) from None
    return result, rows


def _read_settings(output: Output) -> dict[str, dict[str, Any]]:
    """Return the settings and parts of a build that is not finished."""
    try:
        made = parse_json(output.read(_SETTINGS))
        return {name: dict(made[name].items()) for name in ("settings", "parts")}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ManifestError(
            f"{output.where(_SETTINGS)}: not what a build wrote. Remove what is there"
        ) from None


def _refuse_difference(
    where: str, made: Mapping[str, dict[str, Any]], wanted: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise ManifestError with the settings or parts that differ."""
    advice = "Pass another --out, or remove what is there"
    settings = _LATER | made["settings"]
    for name in sorted(settings.keys() | wanted["settings"].keys()):
        old, new = settings.get(name), wanted["settings"].get(name)
        if old != new:
            raise ManifestError(f"{where}: made with {name} = {old!r}, and now {new!r}. {advice}")
    changed = [
        name
        for name in sorted(made["parts"].keys() | wanted["parts"].keys())
        if made["parts"].get(name) != wanted["parts"].get(name)
    ]
    if changed:
        raise ManifestError(
            f"{where}: made from other annotations: {changed[0]!r} and {len(changed) - 1} more are "
            f"not what they were. {advice}"
        )
