"""The location of each pair's crops in the shards: numbers without names, 81 bytes per pair."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from commands.places import local_path
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

    number: int
    """Counted through all manifests, as records count shards."""
    url: str
    num_bytes: int
    sha256: str
    template_px: int
    """Side of its template crops as stored, margin included."""
    search_px: int

    @property
    def path(self) -> str | None:
        """Its path on a local disk; None for a remote shard."""
        return local_path(self.url)


def list_shards(manifests: Sequence[Manifest]) -> list[Shard]:
    """Return the shards of all manifests, in the order in which records count them."""
    shards = [(manifest, shard) for manifest in manifests for shard in manifest.metadata.shards]
    return [
        Shard(
            number=number,
            url=shard_url(manifest.url, shard.name),
            num_bytes=shard.num_bytes,
            sha256=shard.sha256,
            template_px=manifest.metadata.crop.stored_template,
            search_px=manifest.metadata.crop.stored_search,
        )
        for number, (manifest, shard) in enumerate(shards)
    ]


def pair_records(manifests: Sequence[Manifest], plan: Plan) -> NDArray[np.void]:
    """Return (P,) records of a plan's pairs, of type `PAIR`."""
    records = np.zeros(plan.positive.size, PAIR)
    records["pair"] = np.arange(records.size)
    records["positive"] = plan.positive
    first_shards = np.cumsum([0, *(len(manifest.metadata.shards) for manifest in manifests)])
    for role, letter in ROLES.items():
        by_manifest = _rows_by_manifest(manifests, plan.rows_of(role))
        for first_shard, (manifest, pairs, rows) in zip(first_shards, by_manifest, strict=False):
            crops = _crops(manifest, rows, letter)
            crops["shard"] += first_shard
            records[role][pairs] = crops
            if role == "search":
                records["target_size"][pairs] = _target_sizes(manifest, rows)
    return records


def member_names(
    manifests: Sequence[Manifest], plan: Plan, records: NDArray[np.void]
) -> dict[int, dict[str, int]]:
    """Return the files of some pairs' crops: shard to name to offset."""
    members: dict[int, dict[str, int]] = {}
    for role, letter in ROLES.items():
        of_role = plan.rows_of(role)[records["pair"]]
        for manifest, pairs, rows in _rows_by_manifest(manifests, of_role):
            crops = records[role][pairs]
            names = manifest.rows.select("track", "frame")[rows].iter_rows()
            ranges = zip(crops["shard"].tolist(), crops["offset"].tolist(), strict=True)
            for (track, frame), (shard, offset) in zip(names, ranges, strict=True):
                name = f"{sample_key(track, frame)}.{letter}.jpg"
                members.setdefault(shard, {})[name] = offset
    return members


def pair_sources(manifests: Sequence[Manifest], plan: Plan) -> NDArray[np.object_]:
    """Return (P,) the source of each pair's template."""
    sources = np.empty(plan.positive.size, object)
    for manifest, pairs, rows in _rows_by_manifest(manifests, plan.template_rows):
        sources[pairs] = manifest.rows["source"][rows].cast(pl.String).to_numpy()
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


def crop_locations(records: NDArray[np.void]) -> set[tuple[int, int]]:
    """Return shard and offset of each crop that pairs need."""
    locations: set[tuple[int, int]] = set()
    for role in ROLES:
        crops = records[role][records[role]["num_bytes"] > 0]
        locations.update(zip(crops["shard"].tolist(), crops["offset"].tolist(), strict=True))
    return locations


def _rows_by_manifest(
    manifests: Sequence[Manifest], rows: NDArray[np.int64]
) -> Iterator[tuple[Manifest, NDArray[np.intp], NDArray[np.int64]]]:
    """Yield each manifest, the positions of its rows in ``rows``, and these rows in it.

    Args:
        manifests: The manifests.
        rows: (P,) rows counted through all of them; -1 for none.
    """
    first = 0
    for manifest in manifests:
        own = np.flatnonzero((rows >= first) & (rows < first + manifest.rows.height))
        yield manifest, own, rows[own] - first
        first += manifest.rows.height


def _crops(manifest: Manifest, rows: NDArray[np.int64], letter: str) -> NDArray[np.void]:
    """Return (R,) of type `CROP`, with the shards counted in the manifest."""
    names = [f"{letter}_offset", f"{letter}_bytes", f"{letter}_crc32"]
    table = manifest.rows.select("shard", *names)[rows]
    crops = np.zeros(rows.size, CROP)
    crops["shard"] = shard_numbers(manifest, table["shard"])
    for field, name in zip(("offset", "num_bytes", "crc32"), names, strict=True):
        crops[field] = table[name].to_numpy()
    return crops


def _target_sizes(manifest: Manifest, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (R, 2) width and height of the targets in crop px."""
    table = manifest.rows.select("box_w", "box_h", "scale")[rows].to_numpy()
    sizes: NDArray[np.float32] = table[:, :2] * table[:, 2:]
    wrong = int((~np.isfinite(sizes).all(axis=1)).sum())
    if wrong:
        raise ManifestError(
            f"{manifest.url}: {wrong} rows whose box_w, box_h or scale is no finite number. "
            "Copy or build it again"
        )
    return sizes


def sample_name(manifests: Sequence[Manifest], row: int) -> str:
    """Return shard and key of a crop, such as ``lasot-000001.tar: airplane-1/00000012``."""
    manifest, own_row = locate_row(manifests, row)
    shard, track, frame = manifest.rows.select("shard", "track", "frame").row(own_row)
    return f"{shard_url(manifest.url, shard)}: {sample_key(track, frame)}"
