"""Copy one-pass results into the layouts that other evaluators read.

    python -m evaluation.export --results results/lasot/DCFFNet --layout matlab --out exported
    python -m evaluation.export --results results/got10k/DCFFNet --layout got10k --out DCFFNet.zip
    python -m evaluation.export --results dimp50_000 --benchmark uav123 --out dimp50.zip

got10k       a zip of ``<sequence>/<sequence>_001.txt`` and ``_time.txt``, as its server takes
trackingnet  a zip of ``<sequence>.txt``, as its server takes
matlab       a folder ``<tracker>_tracking_result/<sequence>.txt``, as LaSOT's toolkit reads

The boxes are the same numbers in all of them, to four decimals. Results of other toolkits are
read too, as by evaluation.run; docs/evaluation.md has the layouts.
"""

import io
import logging
import shlex
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from commands.files import whole_file
from commands.places import keep_inputs
from commands.run import run_command
from datasets.tracks import SourceError
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.open_benchmark import BenchmarkName
from evaluation.results.folder import open_tracker
from evaluation.results.tracker import TrackerResults

logger = logging.getLogger(__name__)

Layout = Literal["got10k", "trackingnet", "matlab"]
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip, so that equal results give equal archives."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Copy one-pass results into another layout."""

    results: Path
    """A tracker's folder or zip of result files."""
    benchmark: BenchmarkName | None = None
    """Whose sequences to ask for, by their names; without it every file that holds boxes counts,
    under its own name."""
    layout: Layout = "got10k"
    """Which layout."""
    out: Path
    """The zip to write, or the folder for matlab."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Result:
    """One sequence."""

    sequence: str
    runs: tuple[NDArray[np.float64], ...]
    """(T, 4) boxes of each run."""
    seconds: tuple[NDArray[np.float64], ...]
    """(T,) of each run; empty where one was not timed."""


def run(config: ExportConfig) -> None:
    """Read everything first, then write; a damaged result leaves nothing behind."""
    record = BENCHMARKS[config.benchmark] if config.benchmark else None
    names = record.official_names if record else None
    prefix = record.result_prefix if record else ""
    tracker = open_tracker(config.results, names, prefix=prefix)
    if tracker.num_runs > 1 and config.layout != "got10k":
        raise SourceError(
            f"{config.results}: {tracker.num_runs} runs, and {config.layout} takes one. Pass "
            "--results with the folder of one run"
        )
    missing = [name for name in names or () if name not in tracker.paths]
    if missing:
        logger.warning("%d sequences have no result: %s", len(missing), shlex.join(missing))
    files: dict[str, str] = {}
    name = tracker.name.rpartition("/")[2]
    for sequence in sorted(tracker.paths):
        files |= LAYOUTS[config.layout](name, _read(tracker, sequence))
    outputs = [config.out / each for each in files] if config.layout == "matlab" else [config.out]
    keep_inputs(_inputs(config, tracker), files=outputs)
    if config.layout == "matlab":
        for path, text in files.items():
            with whole_file(config.out / path) as temporary:
                temporary.write_text(text, encoding="ascii")
    else:
        with whole_file(config.out) as temporary:
            temporary.write_bytes(_zip(files))
    print(f"{len(tracker.paths)} sequences in {config.out}")


def _inputs(config: ExportConfig, tracker: TrackerResults) -> list[str | Path]:
    """Return the files that are read; an archive of results is one."""
    if not config.results.is_dir():
        return [config.results]
    return [tracker.files.where(path) for paths in tracker.paths.values() for path in paths]


def _read(tracker: TrackerResults, sequence: str) -> Result:
    paths = tracker.paths_of(sequence)
    return Result(
        sequence=sequence,
        runs=tuple(tracker.read_boxes(path) for path in paths),
        seconds=tuple(tracker.read_seconds(paths)),
    )


def _got10k(tracker: str, result: Result) -> dict[str, str]:
    name = result.sequence
    files = {
        f"{name}/{name}_{number:03d}.txt": _lines(boxes)
        for number, boxes in enumerate(result.runs, start=1)
    }
    times = result.seconds or tuple(np.zeros(len(boxes)) for boxes in result.runs)
    # A column per run; a run that was timed only in part has no line for the other frames.
    rows = zip(*(column.tolist() for column in times), strict=False)
    text = "".join(",".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
    return {**files, f"{name}/{name}_time.txt": text}


def _trackingnet(tracker: str, result: Result) -> dict[str, str]:
    return {f"{result.sequence}.txt": _lines(result.runs[0])}


def _matlab(tracker: str, result: Result) -> dict[str, str]:
    return {f"{tracker}_tracking_result/{result.sequence}.txt": _lines(result.runs[0])}


LAYOUTS: Mapping[Layout, Callable[[str, Result], dict[str, str]]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
    "matlab": _matlab,
}
"""By layout: tracker and a sequence's result to the files they become."""


def _lines(boxes: NDArray[np.float64]) -> str:
    return "".join(",".join(f"{value:.4f}" for value in box) + "\n" for box in boxes)


def _zip(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), text)
    return buffer.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        ExportConfig, run, argv, prog="python -m evaluation.export", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
