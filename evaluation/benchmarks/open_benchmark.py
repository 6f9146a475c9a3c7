"""Open a benchmark under a root: annotations come from the dataset's own folders."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from datasets.files import open_root
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.protocols import PROTOCOLS
from evaluation.results.names import match_name
from evaluation.sequences import BenchmarkSequence

if TYPE_CHECKING:
    BenchmarkName = str
else:  # the command line offers the names in the table
    BenchmarkName = Literal[tuple(BENCHMARKS)]


def open_benchmark(
    name: BenchmarkName, root: str, *, only: Iterable[str] = (), without: Iterable[str] = ()
) -> Benchmark:
    """Find a benchmark's sequences under a root.

    Args:
        name: Key of `BENCHMARKS`.
        root: Its folder.
        only: Names of the sequences to keep; empty keeps all.
        without: Names of sequences to leave out.

    Returns:
        The sequences that lie there. A part of the published set, or sequences of another one in
        the same layout, can be evaluated too; ``Benchmark.note`` then says so.

    Raises:
        SourceError: Nothing usable lies there, or a name does not exist.
    """
    record = BENCHMARKS[name]
    files = open_root(root)
    sequences = record.read(files)
    if not sequences:
        raise SourceError(
            f"{root}: no sequence of {name} in it. --root is the folder that the benchmark's "
            "archive unpacks to"
        )
    chosen = [_find(name, sequences, root) for name in only] or sequences
    left_out = {_find(name, sequences, root).name for name in without}
    chosen = [sequence for sequence in chosen if sequence.name not in left_out]
    if not chosen:
        raise SourceError(f"{root}: no sequence is left. Leave out fewer")
    return Benchmark(
        name=name,
        record=record,
        protocol=PROTOCOLS[record.protocol],
        files=files,
        sequences=tuple(chosen),
        note=_describe_part([sequence.name for sequence in chosen], record.official_names),
    )


def _describe_part(names: list[str], official: tuple[str, ...]) -> str:
    present = {match_name(name, official) for name in names} - {None}
    foreign = len(names) - len(present)
    if not official or (len(present) == len(official) and not foreign):
        return ""
    note = f"{len(present)} of the {len(official)} published sequences"
    return f"{note} and {foreign} others" if foreign else note


def _find(name: str, sequences: list[BenchmarkSequence], root: str) -> BenchmarkSequence:
    by_name = {sequence.name: sequence for sequence in sequences}
    match = match_name(name, by_name)
    if match is None:
        raise SourceError(
            f"{root}: no sequence {name!r}, expected one of {', '.join(list(by_name)[:8])}, ..."
        )
    return by_name[match]
