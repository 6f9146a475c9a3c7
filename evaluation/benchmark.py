"""A benchmark as a record, the protocol that tracks and scores it, and its sequences on disk."""

from __future__ import annotations

import typing
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from commands.pages.page import Table
from commands.provenance import Provenance
from datasets.files import RawFiles
from datasets.images import Image
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import BenchmarkSequence, Boxes
from tracking.decoders.base import Decoder
from tracking.interface import BoxTracker


class Progress(typing.Protocol):
    """Receives the progress of tracking."""

    def __call__(self, done: int, added: int = 0) -> None:
        """Count tracked frames, and frames that are needed beyond the expected number."""
        ...


def report_nothing(done: int, added: int = 0) -> None:
    """Ignore progress."""


class TrackSequence(typing.Protocol):
    """Runs a tracker over a sequence and writes its result files."""

    def __call__(
        self,
        tracker: BoxTracker,
        sequence: BenchmarkSequence,
        files: RawFiles,
        folder: Path,
        *,
        report: Progress,
    ) -> None:
        """Track a sequence of the root ``files``; the results go to the tracker's ``folder``."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NetworkCall:
    """A target's part of the next call of the network."""

    template: Image
    """(127, 127, 3) crop of which a share of the features enters the target's template."""
    share: float
    """That share, from 0 to 1; 1 replaces the template."""
    search: Image
    """(N, 255, 255, 3) search crops."""


class FollowSequence(typing.Protocol):
    """Runs one target over a sequence while others run theirs."""

    def __call__(
        self,
        decoder: Decoder,
        sequence: BenchmarkSequence,
        images: Iterator[Image],
        folder: Path,
    ) -> Generator[NetworkCall, Mapping[str, Boxes], None]:
        """Yield calls and take the outputs, N rows each; at the end write the result files.

        Args:
            decoder: Decoder of the network's head.
            sequence: Sequence to track.
            images: Its frames.
            folder: Folder of the tracker's results.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOptions:
    """Options of a report."""

    convention: str
    """Rules of measuring."""
    out: Path
    """Folder of the report."""
    made_by: Provenance
    """Command that the page names."""
    always: str = ""
    """Tracker that ran just now; it is an error if it cannot be scored."""
    ask_toolkit: bool = False
    """Whether to ask the official toolkit for a second opinion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """Tracking of a sequence, storage of the results, and scoring."""

    track: TrackSequence
    """Tracks a sequence."""
    count_frames_left: Callable[[BenchmarkSequence, Path], int]
    """Frames of a sequence that still have to be tracked, given the tracker's folder."""
    start_box: Callable[[Boxes], Boxes]
    """Box that a tracker is started with, from a row of ground truth."""
    told: Callable[[BenchmarkSequence], tuple[str, Boxes]]
    """The part of the ground truth that trackers depend on, and its name."""
    is_result: Callable[[str], bool]
    """Whether a path may be a result file."""
    find_results: Callable[[BenchmarkSequence, Path], list[Path]]
    """Result files of a sequence in a tracker's folder."""
    starts_on: Callable[[Path, BenchmarkSequence], bool]
    """Whether a result file of an earlier version can start on the sequence's first box."""
    report: Callable[[Benchmark, Sequence[TrackerResults], ReportOptions], tuple[list[Table], Path]]
    """Scores trackers and writes the report; returns the tables to print and the page."""
    compare: Callable[[Benchmark, Sequence[TrackerResults]], Table]
    """Scores trackers under every evaluator's rules."""
    follow: FollowSequence | None = None
    """Tracks a sequence in lockstep with others, where that is possible."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkRecord:
    """Definition of a benchmark."""

    title: str
    """Name in plots and tables."""
    official_names: tuple[str, ...]
    """Sequences of the published set, as its own toolkit spells them."""
    read: Callable[[RawFiles], list[BenchmarkSequence]]
    """Reads the sequences under a root."""
    protocol: str = "one-pass"
    """Key of `evaluation.benchmarks.protocols.PROTOCOLS`."""
    convention: str = "otb"
    """Default rules of measuring, a key of `evaluation.onepass.conventions.CONVENTIONS`."""
    eao_lengths: tuple[int, int] = (0, 0)
    """First and last length that the expected average overlap averages; supervised only."""
    source: str = ""
    """Training source that shows the same recordings; its groups are those of the sequences."""
    forbidden_groups: Mapping[str, Set[str]] = field(default_factory=dict)
    """By training source, the groups that the benchmark's rules forbid, as they may show it."""
    result_prefix: str = ""
    """Prefix of the sequences' names in result files of pytracking and toolkits based on it."""
    printed: Table | None = None
    """Published numbers, shown beside ours."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Benchmark:
    """The sequences of a benchmark that lie under a root."""

    name: str
    record: BenchmarkRecord
    protocol: Protocol
    files: RawFiles
    sequences: tuple[BenchmarkSequence, ...]
    note: str = ""
    """Why numbers on it do not compare with printed ones; empty for the whole set."""
    experiment: str = "OPE"
    """Name of the experiment in plots: one pass, or one of several starts."""
    whole: tuple[BenchmarkSequence, ...] = ()
    """The sequences that ``sequences`` are starts of, if they are."""

    @property
    def scored(self) -> tuple[BenchmarkSequence, ...]:
        """Sequences that numbers are reported for."""
        return self.whole or self.sequences

    @property
    def title(self) -> str:
        """Name in plots and tables."""
        return self.record.title

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names of the sequences here and of the published ones: a result may be of any."""
        here = (sequence.name for sequence in self.sequences)
        official = () if self.whole else self.record.official_names
        return tuple(dict.fromkeys((*here, *official)))

    @property
    def num_frames(self) -> int:
        """Frames of all sequences."""
        return sum(len(sequence.frames) for sequence in self.sequences)
