"""Track a benchmark and score the results, or score results that exist.

    python -m evaluation.run --benchmark otb100 --root data/raw/OTB100 --weights runs/w.safetensors
    python -m evaluation.run --benchmark otb100 --root data/raw/OTB100 --tracker mil
    python -m evaluation.run --benchmark otb100 --root data/raw/OTB100 --results published/otb100

Results go to ``results/<benchmark>/<tracker>/``, the report to ``reports/<benchmark>/``. A sequence
that has a result is not tracked again: the same command goes on where it stopped.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datasets.tracks import SourceError
from evaluation.benchmarks import BenchmarkName, open_benchmark
from evaluation.conventions import CONVENTIONS, ConventionName
from evaluation.onepass_report import summary_table, write_onepass_report
from evaluation.report import table_text
from evaluation.results import list_trackers
from evaluation.scores import score_tracker
from evaluation.session import claim_folder, track_with_progress
from manifests.cli import run_command
from model.weights import WeightsError, load_model, read_description
from tracking.baselines import create_baseline
from tracking.tracker import BoxTracker, Tracker


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Track a benchmark and score the results."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark."""
    root: str = ""
    """Its folder; empty takes data/raw/<benchmark>."""
    weights: str = ""
    """Trained weights to track with, a .safetensors file."""
    tracker: str = ""
    """Or a baseline to track with: static, mil; csrt and kcf where OpenCV's contrib build is."""
    results: str = ""
    """Folder with one folder of result files per tracker. Without --weights and --tracker all of
    them are scored; empty takes results/<benchmark>."""
    name: str = ""
    """What to call the tracker; empty takes the name of the weights' file or of the baseline."""
    out: str = ""
    """Folder of the report; empty takes reports/<benchmark>."""
    sequences: tuple[str, ...] = ()
    """Names of the only sequences to use; empty uses all."""
    convention: ConventionName = "otb"
    """The rules of measuring; papers print those of otb."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1."""


def run(config: RunConfig) -> None:
    """Track where results are missing, score, print the table and write the report."""
    root = config.root or f"data/raw/{config.benchmark}"
    benchmark = open_benchmark(config.benchmark, root, only=config.sequences)
    results = Path(config.results or f"results/{config.benchmark}")
    out = Path(config.out or f"reports/{config.benchmark}")
    if config.weights or config.tracker:
        name, identity, make_tracker = choose_tracker(config)
        claim_folder(results / name, identity)
        track_with_progress(make_tracker, benchmark, results / name)
    rules = CONVENTIONS[config.convention]
    names = list_trackers(results)
    scores = [score_tracker(benchmark, results / name, convention=rules) for name in names]
    print(table_text(summary_table(benchmark, scores, convention=rules)))
    if benchmark.note:
        print(f"A part of {benchmark.title}: {benchmark.note}")
    print(write_onepass_report(benchmark, scores, out, convention=rules))


def choose_tracker(config: RunConfig) -> tuple[str, str, Callable[[], BoxTracker]]:
    """Return the tracker's name, what its results depend on, and its factory.

    Raises:
        SourceError: Both kinds of tracker are asked for, or the baseline does not exist.
        WeightsError: The weights cannot be used.
    """
    if config.weights and config.tracker:
        raise SourceError("--weights and --tracker: two trackers; run the command once for each")
    if config.tracker:
        try:
            create_baseline(config.tracker)
        except ValueError as error:
            raise SourceError(str(error)) from error
        make: Callable[[], BoxTracker] = partial(create_baseline, config.tracker)
        return config.name or config.tracker, config.tracker, make
    description = read_description(config.weights)
    name = config.name or Path(config.weights).stem
    return (
        name,
        f"weights {description['sha256']}",
        partial(_load_tracker, config.weights, config.device),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        RunConfig, run, argv, prog="python -m evaluation.run", errors=(SourceError, WeightsError)
    )


def _load_tracker(weights: str, device: str) -> BoxTracker:
    return Tracker(load_model(weights, device=device))


if __name__ == "__main__":
    sys.exit(main())
