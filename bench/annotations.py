"""Time of reading and planning LaSOT's and COCO's annotations, before a build cuts any crop.

    python -m bench.annotations
    python -m bench.annotations --sources lasot --json

The annotations are made up and as many as the real ones: 1,120 sets of LaSOT with 2.8 million rows,
and 860,001 boxes of COCO in 450 MB of JSON. Each is planned in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.build.raw_trees import write_coco_annotations, write_lasot_annotations
from bench.findings import BenchOptions, Row, Target, show
from commands.run import run_command
from datasets.files import open_root
from datasets.filters import Filters
from datasets.shards.annotations import read_annotations
from datasets.shards.plan import plan_tasks
from datasets.shards.tasks import ShardSettings
from datasets.sources import SOURCES

_WRITERS = {"lasot": write_lasot_annotations, "coco": write_coco_annotations}
_MOST_S = 60.0
_MOST_MB = {"coco": 2500.0}


@dataclass(frozen=True, kw_only=True)
class AnnotationsBenchConfig(BenchOptions):
    """What to measure."""

    sources: tuple[str, ...] = ("lasot", "coco")
    """Sources to plan."""


def measure(config: AnnotationsBenchConfig) -> int:
    """Write annotations, plan them, and print the figures."""
    rows: list[Row] = []
    targets = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for source in config.sources:
            root = Path(folder) / source
            num_rows = _WRITERS[source](root)
            code = "from bench.annotations import plan_once; import sys; plan_once(*sys.argv[1:])"
            done = subprocess.run(
                [sys.executable, "-c", code, source, str(root)], check=True, capture_output=True
            )
            wall_s, cpu_s, peak_mb = map(float, done.stdout.split())
            rows.append(
                {
                    "source": source,
                    "targets": num_rows,
                    "wall_s": wall_s,
                    "cpu_s": cpu_s,
                    "peak_mb": peak_mb,
                }
            )
            bounds = [("plan", wall_s, "s", _MOST_S)]
            if source in _MOST_MB:
                bounds.append(("peak memory", peak_mb, "MB", _MOST_MB[source]))
            targets += [
                Target(name=f"{source}, {what}", value=value, unit=unit, target=most, at_most=True)
                for what, value, unit, most in bounds
            ]
    return show(rows, targets, config)


def plan_once(source: str, root: str) -> None:
    """Read and plan one source; print seconds, seconds of processor time and peak MB."""
    start = time.monotonic()
    files = open_root(root)
    names = SOURCES[source].list_parts(files)
    found = read_annotations(files, source, names, Filters())
    plan_tasks(
        found.parts,
        ShardSettings(root=root, out="", source=source),
        seed=0,
        val_fraction=0.1,
        shard_mb=256,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(time.monotonic() - start, time.process_time(), peak)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a missed target under --check, 2 a wrong option."""
    return run_command(AnnotationsBenchConfig, measure, argv, prog="python -m bench.annotations")


if __name__ == "__main__":
    sys.exit(main())
