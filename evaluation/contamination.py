"""Find out whether weights were trained, or settings tuned, on the footage of a benchmark."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from commands.json_files import parse_json
from datasets.sources import SOURCES
from evaluation.benchmark import Benchmark
from evaluation.results.names import plain_name
from evaluation.sequences import BenchmarkSequence
from manifests.schema import ManifestError
from manifests.table import read_manifest
from model.weights import WeightsError, read_description

_IMAGE_FOLDERS = {"img", "imgs", "img1", "color", "images"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Contamination:
    """Overlap of a benchmark with training data, according to the manifests."""

    trained_on: tuple[str, ...] = ()
    """Sequences whose recording was trained, validated or tuned on."""
    alike: tuple[str, ...] = ()
    """Recordings trained on that may be of this benchmark: own footage with the name of one of its
    sequences, and videos that it forbids."""
    unknown: tuple[str, ...] = ()
    """Manifests and earlier weights that could not be read, so that nothing is known of them."""

    @property
    def note(self) -> str:
        """Note beside the numbers of a report; empty if there is no overlap."""
        if self.trained_on:
            return f"trained on {len(self.trained_on)} of these sequences"
        notes = []
        if self.alike:
            videos = (
                f"{len(self.alike)} training videos" if len(self.alike) > 1 else "1 training video"
            )
            notes.append(f"{videos} may show this benchmark, such as {self.alike[0]}")
        if self.unknown:
            notes.append(f"training data not checked: {', '.join(self.unknown)} cannot be read")
        return "; ".join(notes)


def find_contamination(
    benchmark: Benchmark, weights: str, *, settings: str | None = None
) -> Contamination:
    """Compare a benchmark's recordings with those in the manifests behind some weights.

    Weights name their manifests, and the weights that they started from; a file of settings that
    `evaluation.tune` wrote names the groups that it searched on. Recordings of the benchmark's
    training source, and of own footage under the benchmark's name, are its own. Own footage under
    another name may be: its videos are compared by name.
    """
    record = benchmark.record
    own_sources = {record.source, benchmark.name} - {""}
    if own_sources & _footage(weights):
        return Contamination(trained_on=tuple(each.name for each in benchmark.sequences))
    names = {each.name: _recording_names(each) for each in benchmark.sequences}
    every_name = {spelling for spellings in names.values() for spelling in spellings}
    certain: set[str] = set()
    alike: set[str] = set()
    unknown = []
    for url, source, recordings in _trained_on(weights, settings):
        if recordings is None:
            unknown.append(url)
        elif source in own_sources:
            certain |= {plain_name(each) for each in recordings}
        else:
            forbidden = record.forbidden_groups.get(source, frozenset())
            is_own = source not in SOURCES
            alike |= {
                f"{source}'s {each}"
                for each in recordings
                if each in forbidden or (is_own and plain_name(each) in every_name)
            }
    return Contamination(
        trained_on=tuple(name for name, spellings in names.items() if spellings & certain),
        alike=tuple(sorted(alike)),
        unknown=tuple(unknown) if record.source else (),
    )


def _recording_names(sequence: BenchmarkSequence) -> set[str]:
    """Return the names that the recording of a sequence may have: its own, and of its folder."""
    folders = [name for name in sequence.frames[0].split("/")[:-1] if name not in _IMAGE_FOLDERS]
    names = {sequence.name, sequence.group, *folders[-1:]} - {""}
    return {plain_name(name) for name in names}


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


def _trained_on(weights: str, settings: str | None) -> Iterator[tuple[str, str, Set[str] | None]]:
    """Yield manifests and settings, each with its source and recordings; None if unreadable."""
    for url, provenance in _stages(weights):
        if provenance is None:
            yield url, "", None
            continue
        where = provenance.get("options", {}).get("data", {}).get("where")
        for entry in provenance.get("manifests", ()):
            try:
                manifest = read_manifest(entry["url"], where=where, check_shards=False)
            except (ManifestError, OSError):
                yield entry["url"], "", None
                continue
            columns = manifest.rows.select(pl.col("group", "video").cast(pl.String)).unique()
            recordings = {str(each) for row in columns.iter_rows() for each in row if each}
            yield entry["url"], manifest.metadata.source, recordings
    if settings:
        content = parse_json(Path(settings).read_text(encoding="utf-8"))
        for source, groups in content.get("tuned_on", {}).items():
            yield settings, source, set(groups)
