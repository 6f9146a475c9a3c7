"""Find out whether weights were trained, or settings tuned, on the footage of a benchmark."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.json_files import parse_json
from evaluation.benchmark import Benchmark
from manifests.schema import ManifestError
from manifests.table import read_manifest
from model.weights import WeightsError, read_description


@dataclass(frozen=True, kw_only=True, slots=True)
class Contamination:
    """Overlap of a benchmark with training data, according to the manifests."""

    trained_on: tuple[str, ...] = ()
    """Sequences whose recording was trained, validated or tuned on."""
    unknown: tuple[str, ...] = ()
    """Manifests and earlier weights that could not be read, so that nothing is known of them."""

    @property
    def note(self) -> str:
        """Note beside the numbers of a report; empty if there is no overlap."""
        if self.trained_on:
            return f"trained on {len(self.trained_on)} of these sequences"
        if self.unknown:
            return f"training data not checked: {', '.join(self.unknown)} cannot be read"
        return ""


def find_contamination(
    benchmark: Benchmark, weights: str, *, settings: str | None = None
) -> Contamination:
    """Compare a benchmark's recordings with the groups of the manifests behind some weights.

    Weights name their manifests, and the weights that they started from; a file of settings that
    `evaluation.tune` wrote names the groups that it searched on.
    """
    source = benchmark.record.source
    if {source, benchmark.name} & _footage(weights):
        return Contamination(trained_on=tuple(each.name for each in benchmark.sequences))
    if not source:
        return Contamination()
    groups: set[str] = set()
    unknown = []
    for url, manifest_groups in _training_groups(weights, source):
        if manifest_groups is None:
            unknown.append(url)
        else:
            groups |= manifest_groups
    if settings:
        tuned_on = parse_json(Path(settings).read_text(encoding="utf-8")).get("tuned_on", {})
        groups |= set(tuned_on.get(source, ()))
    return Contamination(
        trained_on=tuple(each.name for each in benchmark.sequences if each.group in groups),
        unknown=tuple(unknown),
    )


def _stages(weights: str) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield weights and those that they started from, each with its provenance if readable."""
    seen: set[str] = set()
    url: str | None = weights
    while url is not None and url not in seen:  # a forged file could name itself
        seen.add(url)
        try:
            provenance: Mapping[str, Any] = read_description(url)["provenance"]
            before = provenance.get("init_weights")
            following = str(before["url"]) if before else None
        except (WeightsError, LookupError, TypeError, AttributeError):
            yield url, None
            return
        yield url, provenance
        url = following


def _footage(weights: str) -> set[str]:
    """Return the sources of footage declared by the weights and their initial weights."""
    return {
        name
        for _, provenance in _stages(weights)
        if provenance is not None
        for name in provenance.get("footage", ())
    }


def _training_groups(weights: str, source: str) -> Iterator[tuple[str, set[str] | None]]:
    """Yield the manifests trained on with their groups of a source; None if unreadable."""
    for url, provenance in _stages(weights):
        if provenance is None:
            yield url, None
            continue
        where = provenance.get("options", {}).get("data", {}).get("where")
        for entry in provenance.get("manifests", ()):
            try:
                manifest = read_manifest(entry["url"], where=where, check_shards=False)
            except (ManifestError, OSError):
                yield entry["url"], None
                continue
            if manifest.metadata.source == source:
                yield entry["url"], set(manifest.rows["group"].cast(str).unique())
