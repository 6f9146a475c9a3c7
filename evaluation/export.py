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

import logging
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.files import whole_file
from commands.places import keep_inputs
from commands.run import run_command
from datasets.tracks import SourceError
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.open_benchmark import BenchmarkName
from evaluation.results.folder import open_tracker
from evaluation.results.layouts import Layout, lay_out, write_zip
from evaluation.results.tracker import TrackerResults

logger = logging.getLogger(__name__)


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


def run(config: ExportConfig) -> None:
    """Read everything first, then write; a damaged result leaves nothing behind."""
    record = BENCHMARKS[config.benchmark] if config.benchmark else None
    names = (record.official_names or None) if record else None
    prefix = record.result_prefix if record else ""
    tracker = open_tracker(config.results, names, prefix=prefix)
    missing = [name for name in names or () if name not in tracker.paths]
    if missing:
        logger.warning("%d sequences have no result: %s", len(missing), shlex.join(missing))
    files = lay_out(tracker, sorted(tracker.paths), config.layout)
    outputs = [config.out / each for each in files] if config.layout == "matlab" else [config.out]
    keep_inputs(_inputs(config, tracker), files=outputs)
    if config.layout == "matlab":
        for path, text in files.items():
            with whole_file(config.out / path) as temporary:
                temporary.write_text(text, encoding="ascii")
    else:
        write_zip(config.out, files)
    print(f"{len(tracker.paths)} sequences in {config.out}")


def _inputs(config: ExportConfig, tracker: TrackerResults) -> list[str | Path]:
    """Return the files that are read; an archive of results is one."""
    if not config.results.is_dir():
        return [config.results]
    return [tracker.files.where(path) for paths in tracker.paths.values() for path in paths]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        ExportConfig, run, argv, prog="python -m evaluation.export", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
