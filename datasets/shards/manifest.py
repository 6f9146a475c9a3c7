"""End of a build: report and manifest from all shards, or the check of rebuilt shards."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from datasets.files.output import Output
from datasets.outside import outside_problem
from datasets.shards.annotations import Annotations
from datasets.shards.progress import read_index
from datasets.shards.tasks import ShardResult, ShardSettings
from datasets.tracks import SourceError
from manifests.schema import SCHEMA
from manifests.table import Manifest, Metadata, write_manifest

logger = logging.getLogger(__name__)


def finish(
    output: Output,
    shared: ShardSettings,
    annotations: Annotations,
    results: Sequence[ShardResult],
    settings: Mapping[str, Any],
) -> str:
    """Write the report and then the manifest, and return the table of frames to print.

    Args:
        output: The build's folder, which has all shards.
        shared: Settings of all shards of the build.
        annotations: The annotations.
        results: Result of each shard, in their order.
        settings: The settings that decided the bytes.

    Raises:
        SourceError: No crop is left.
    """
    counts = Counter(annotations.counts)
    bad_images: list[str] = []
    for result in results:
        counts.update(result.dropped)
        counts["frames kept"] += result.info.num_rows
        bad_images += result.bad_images
    if not counts["frames kept"]:
        hint = f". {problem}" if (problem := outside_problem(counts)) else ""
        raise SourceError(f"{shared.root}: every frame was dropped: {dict(counts)}{hint}")
    for message in (*annotations.bad, *bad_images):
        logger.warning("left out: %s", message)
    rows = pl.concat([read_index(output, result.info.name)[1] for result in results])
    if problem := outside_problem(counts, rows):
        logger.warning("%s: %s", shared.root, problem)
    kept = set(rows["track"].unique())
    lost = sorted({*annotations.lost, *(p.track.name for p in annotations.parts)} - kept)
    report = {
        "source": shared.source,
        "counts": dict(sorted(counts.items())),
        "tracks_without_frames": lost,
        "bad_images": bad_images,
        "bad_annotations": annotations.bad,
    }
    output.write("report.json", json.dumps(report, indent=1).encode())
    metadata = Metadata(
        source=shared.source,
        crop=shared.crop,
        settings=settings,
        counts=dict(sorted(counts.items())),
        shards=tuple(result.info for result in results),
    )
    write_manifest(output.where("manifest.parquet"), rows.select(SCHEMA.names()), metadata)
    return _count_table(output, results, counts, lost)


def _count_table(
    output: Output, results: Sequence[ShardResult], counts: Counter[str], lost: list[str]
) -> str:
    reasons = sorted(set(counts) - {"frames in", "frames kept"}, key=lambda name: -counts[name])
    numbers = [("frames in", counts["frames in"]), ("frames kept", counts["frames kept"])]
    numbers += [(f"dropped: {reason}", counts[reason]) for reason in reasons]
    lines = [f"{label:<36}{number:>12,}" for label, number in numbers]
    if lost:
        shown = ", ".join(lost[:5]) + (", ..." if len(lost) > 5 else "")
        lines.append(f"tracks without a usable frame: {len(lost)} ({shown})")
    size = sum(result.info.num_bytes for result in results) / 1e6
    lines.append(f"{len(results)} shards, {size:,.1f} MB: {output.where('manifest.parquet')}")
    return "\n".join(lines)


def check_made_again(output: Output, manifest: Manifest, results: Sequence[ShardResult]) -> None:
    """Check that the rebuilt shards of a finished build have the same bytes as before.

    Raises:
        SourceError: One has other bytes.
    """
    wanted = {info.name: info for info in manifest.metadata.shards}
    for result in results:
        if result.info != wanted.get(result.info.name):
            raise SourceError(
                f"{output.where(result.info.name)}: made again, and not what it was: the images "
                "have changed. Pass another --out, or remove what is there"
            )
    logger.info("%s: whole again", output.url)
