"""The location of each pair's crops in the shards: numbers without names, 81 bytes per pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datasets.shards.tar import sample_key
from manifests.schema import ManifestError
from manifests.shards import shard_url
from manifests.table import Manifest
from sampling.plan import Plan
from sampling.track_table import locate_row, shard_numbers

CROP = np.dtype([("shard", "<i4"), ("offset", "<i8"), ("num_bytes", "<i4"), ("crc32", "<u4")])
"""One JPEG: shard counted through all manifests, place in it, checksum."""

PAIR = np.dtype(
    [
        ("pair", "<i8"),  # number in the epoch
        ("template", CROP),
        ("search", CROP),
        ("background", CROP),  # a search crop too; no bytes where the pair has none
        ("target_size", "<f4", (2,)),  # (w, h) of the search crop's target in crop px
        ("positive", "?"),
    ]
)
"""One pair."""


ROLES = {"template": "z", "search": "x", "background": "x"}
"""Role of a crop to the letter of its file in a sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One tar file of crops."""

    url: str
    num_bytes: int
    sha256: str
    template_px: int
    """Side of its template crops as stored, margin included."""
    search_px: int


def list_shards(manifests: Sequence[Manifest]) -> list[Shard]:
    """Return the shards of all manifests, in the order in which records count them."""
    return [
        Shard(
            url=shard_url(manifest.url, shard.name),
            num_bytes=shard.num_bytes,
            sha256=shard.sha256,
            template_px=manifest.metadata.crop.stored_template,
            search_px=manifest.metadata.crop.stored_search,
        )
        for manifest in manifests
        for shard in manifest.metadata.shards
    ]


def pair_records(manifests: Sequence[Manifest], plan: Plan) -> NDArray[np.void]:
    """Return (P,) records of a plan's pairs, of type `PAIR`."""
    records = np.zeros(plan.positive.size, PAIR)
    records["pair"] = np.arange(records.size)
    records["positive"] = plan.positive
    first_row = first_shard = 0
    for manifest in manifests:
        stop_row = first_row + manifest.rows.height
        for role, letter in ROLES.items():
            rows = plan.rows_of(role)
            here = np.flatnonzero((rows >= first_row) & (rows < stop_row))
            _fill_crops(records, role, here, manifest, rows[here] - first_row, letter, first_shard)
        first_row, first_shard = stop_row, first_shard + len(manifest.metadata.shards)
    return records


def member_names(
    manifests: Sequence[Manifest], plan: Plan, records: NDArray[np.void]
) -> dict[int, dict[str, int]]:
    """Return the files of some pairs' crops: shard to name to offset."""
    members: dict[int, dict[str, int]] = {}
    first_row = 0
    for manifest in manifests:
        for role, letter in ROLES.items():
            rows = plan.rows_of(role)[records["pair"]] - first_row
            here = np.flatnonzero((rows >= 0) & (rows < manifest.rows.height))
            crops = records[role][here]
            names = manifest.rows.select("track", "frame")[rows[here]].iter_rows()
            places = zip(crops["shard"].tolist(), crops["offset"].tolist(), strict=True)
            for (track, frame), (shard, offset) in zip(names, places, strict=True):
                name = f"{sample_key(track, frame)}.{letter}.jpg"
                members.setdefault(shard, {})[name] = offset
        first_row += manifest.rows.height
    return members


def pair_sources(manifests: Sequence[Manifest], plan: Plan) -> NDArray[np.object_]:
    """Return (P,) the source of each pair's template."""
    sources = np.empty(plan.positive.size, object)
    first_row = 0
    for manifest in manifests:
        rows = plan.template_rows - first_row
        here = np.flatnonzero((rows >= 0) & (rows < manifest.rows.height))
        sources[here] = manifest.rows["source"][rows[here]].cast(pl.String).to_numpy()
        first_row += manifest.rows.height
    return sources


def has_background(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return (P,) True for pairs whose target is moved before a background."""
    has: NDArray[np.bool_] = records["background"]["num_bytes"] > 0
    return has


def used_shards(records: NDArray[np.void]) -> list[int]:
    """Return the shards of some pairs, in ascending order."""
    backgrounds = records["background"]["shard"][has_background(records)]
    shards = [records["template"]["shard"], records["search"]["shard"], backgrounds]
    numbers: list[int] = np.unique(np.concatenate(shards)).tolist()
    return numbers


def crop_places(records: NDArray[np.void]) -> set[tuple[int, int]]:
    """Return shard and offset of each crop that pairs need."""
    places: set[tuple[int, int]] = set()
    for role in ROLES:
        crops = records[role][records[role]["num_bytes"] > 0]
        places.update(zip(crops["shard"].tolist(), crops["offset"].tolist(), strict=True))
    return places


def _fill_crops(
    records: NDArray[np.void],
    role: str,
    here: NDArray[np.intp],
    manifest: Manifest,
    rows: NDArray[np.int64],
    letter: str,
    first_shard: int,
) -> None:
    names = [f"{letter}_offset", f"{letter}_bytes", f"{letter}_crc32"]
    table = manifest.rows.select("shard", *names, "box_w", "box_h", "scale")[rows]
    crops = np.zeros(here.size, CROP)
    crops["shard"] = first_shard + shard_numbers(manifest, table["shard"])
    for field, name in zip(("offset", "num_bytes", "crc32"), names, strict=True):
        crops[field] = table[name].to_numpy()
    records[role][here] = crops
    if role == "search":
        scale = table["scale"].to_numpy()
        size = np.stack([table["box_w"].to_numpy(), table["box_h"].to_numpy()], axis=1)
        records["target_size"][here] = size * scale[:, None]
        wrong = int((~np.isfinite(records["target_size"][here]).all(axis=1)).sum())
        if wrong:
            raise ManifestError(
                f"{manifest.url}: {wrong} rows whose box_w, box_h or scale is no finite number. "
                "Copy or build it again"
            )


def sample_name(manifests: Sequence[Manifest], row: int) -> str:
    """Return shard and key of a crop, such as ``lasot-000001.tar: airplane-1/00000012``."""
    manifest, own_row = locate_row(manifests, row)
    shard, track, frame = manifest.rows.select("shard", "track", "frame").row(own_row)
    return f"{shard_url(manifest.url, shard)}: {sample_key(track, frame)}"
