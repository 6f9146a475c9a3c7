"""Benchmarks where they lie: no list to download, annotations from the datasets' own folders."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from datasets.files import RawFiles, open_root
from datasets.tracks import SourceError
from evaluation import lasot, otb, uav123, vot
from evaluation.names import match_name
from evaluation.sequences import Benchmark, BenchmarkSequence
from evaluation.vot_years import VOT_YEARS

BenchmarkName = Literal[
    "otb100", "uav123", "uav123_10fps", "lasot", "vot2016", "vot2018", "vot2019"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a benchmark lies on disk."""

    title: str
    """What plots call it."""
    read: Callable[[RawFiles], list[BenchmarkSequence]]
    official_names: Callable[[], tuple[str, ...]]
    eao_lengths: tuple[int, int] | None = None
    """For VOT, whose trackers are started again after a failure: the lengths that EAO averages."""

    @property
    def supervised(self) -> bool:
        """Whether a tracker that failed is started again, as VOT does."""
        return self.eao_lengths is not None


def _vot_layout(name: str) -> Layout:
    year = VOT_YEARS[name]
    return Layout(
        title=name.upper(),
        read=partial(vot.read_vot, benchmark=name),
        official_names=lambda: year.names,
        eao_lengths=year.eao_lengths,
    )


BENCHMARKS: Mapping[BenchmarkName, Layout] = {
    "otb100": Layout(title="OTB100", read=otb.read_otb, official_names=otb.official_names),
    "uav123": Layout(
        title="UAV123",
        read=partial(uav123.read_uav123, release="UAV123"),
        official_names=partial(uav123.official_names, "UAV123"),
    ),
    "uav123_10fps": Layout(
        title="UAV123 10 fps",
        read=partial(uav123.read_uav123, release="UAV123_10fps"),
        official_names=partial(uav123.official_names, "UAV123_10fps"),
    ),
    "lasot": Layout(
        title="LaSOT testing set", read=lasot.read_lasot, official_names=lasot.official_names
    ),
    "vot2016": _vot_layout("vot2016"),
    "vot2018": _vot_layout("vot2018"),
    "vot2019": _vot_layout("vot2019"),
}


def open_benchmark(
    name: BenchmarkName, root: str, *, only: Iterable[str] = (), without: Iterable[str] = ()
) -> Benchmark:
    """Find a benchmark's sequences under a root.

    Args:
        name: Which benchmark.
        root: Its folder.
        only: Names of the sequences to keep; empty keeps all.
        without: Names of sequences to leave out.

    Returns:
        What was found. A part of the published set, or sequences of another one in the same layout,
        can be evaluated too; ``Benchmark.note`` then says so.

    Raises:
        SourceError: Nothing usable lies there, or a name does not exist.
    """
    layout = BENCHMARKS[name]
    files = open_root(root)
    found = layout.read(files)
    if not found:
        raise SourceError(
            f"{root}: no sequence of {name} in it. --root is the folder that the benchmark's "
            "archive unpacks to"
        )
    chosen = [_find(each, found, root) for each in only] or found
    left_out = {_find(each, found, root).name for each in without}
    chosen = [each for each in chosen if each.name not in left_out]
    if not chosen:
        raise SourceError(f"{root}: no sequence is left. Leave out fewer")
    return Benchmark(
        name=name,
        title=layout.title,
        files=files,
        sequences=tuple(chosen),
        eao_lengths=layout.eao_lengths,
        note=_describe_part([each.name for each in chosen], layout.official_names()),
        official_names=layout.official_names(),
    )


def _describe_part(names: list[str], official: tuple[str, ...]) -> str:
    present = {match_name(name, official) for name in names} - {None}
    foreign = len(names) - len(present)
    if len(present) == len(official) and not foreign:
        return ""
    note = f"{len(present)} of the {len(official)} published sequences"
    return f"{note} and {foreign} others" if foreign else note


def _find(name: str, found: list[BenchmarkSequence], root: str) -> BenchmarkSequence:
    by_name = {sequence.name: sequence for sequence in found}
    match = match_name(name, by_name)
    if match is None:
        raise SourceError(
            f"{root}: no sequence {name!r}, expected one of {', '.join(list(by_name)[:8])}, ..."
        )
    return by_name[match]
