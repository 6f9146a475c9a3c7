"""Track a benchmark and score the results, or score results that exist.

    python -m evaluation.run --benchmark otb100 --root data/raw/OTB100 --weights runs/w.safetensors
    python -m evaluation.run --benchmark vot2018 --root data/raw/VOT2018 --tracker mil --workers 4
    python -m evaluation.run --benchmark lasot --root data/raw/lasot --results published/lasot

Results go to ``results/<benchmark>/<tracker>/``, the report to ``reports/<benchmark>/``. A sequence
that has a result is not tracked again: the same command goes on where it stopped.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from datasets.tracks import SourceError
from evaluation.benchmarks import BenchmarkName, open_benchmark
from evaluation.contamination import find_contamination
from evaluation.conventions import CONVENTIONS, ConventionName
from evaluation.onepass_report import summary_table, write_onepass_report
from evaluation.report import table_text
from evaluation.results import list_trackers
from evaluation.scores import score_tracker
from evaluation.sequences import Benchmark
from evaluation.session import claim_folder, read_note
from evaluation.vot_measures import Ending
from evaluation.vot_report import score_vot, vot_table, write_vot_report
from evaluation.work import track_all
from manifests.cli import run_command
from manifests.page import Table
from manifests.provenance import describe_run
from model.weights import WeightsError, load_model, read_description
from tracking.baselines import create_baseline
from tracking.settings import PRESETS
from tracking.tracker import BoxTracker, Tracker

logger = logging.getLogger(__name__)
Score = TypeVar("Score")
_PROG = "python -m evaluation.run"
_PRESETS = {"otb100": "otb", "uav123": "uav", "uav123_10fps": "uav", "lasot": "lasot"}


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
    """Folder with one folder of result files per tracker. All trackers in it are scored; empty
    takes results/<benchmark>."""
    name: str = ""
    """What to call the tracker; empty takes the name of the weights' file or of the baseline."""
    out: str = ""
    """Folder of the report; empty takes reports/<benchmark>."""
    sequences: tuple[str, ...] = ()
    """Names of the only sequences to use; empty uses all."""
    convention: ConventionName = "otb"
    """The rules of measuring; papers print those of otb. For VOT2018 only pysot differs."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, cuda:1."""
    workers: int = 1
    """Processes that track."""
    allow_contaminated: bool = False
    """Whether weights may be evaluated on what they were trained on; the report says so then."""


def run(config: RunConfig) -> None:
    """Track where results are missing, score, print the table and write the report."""
    if config.workers < 1:
        raise SourceError(f"--workers: {config.workers}, expected 1 or more")
    root = config.root or f"data/raw/{config.benchmark}"
    benchmark = open_benchmark(config.benchmark, root, only=config.sequences)
    results = Path(config.results or f"results/{config.benchmark}")
    if config.weights or config.tracker:
        name, identity, make_tracker = choose_tracker(config)
        note = check_contamination(config, benchmark)
        claim_folder(results / name, identity, note=note)
        track_all(make_tracker, benchmark, results / name, workers=config.workers)
    score = _score_supervised if benchmark.supervised else _score_one_pass
    table, page = score(config, benchmark, results)
    print(table_text(table))
    if benchmark.note:
        print(f"Not the published {benchmark.title}: {benchmark.note}")
    print(page)


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
            raise SourceError(f"--tracker: {error}") from error
        make: Callable[[], BoxTracker] = partial(create_baseline, config.tracker)
        return _tracker_name(config), config.tracker, make
    if config.device.startswith("cuda") and not torch.cuda.is_available():
        raise SourceError(f"--device: {config.device!r}, but torch sees no GPU here. Pass cpu")
    description = read_description(config.weights)
    preset = _PRESETS.get(config.benchmark, "otb")
    identity = f"weights {description['sha256']}, settings {preset}"
    make = partial(load_tracker, config.weights, config.device, preset)
    return _tracker_name(config), identity, make


def load_tracker(weights: str, device: str, preset: str) -> BoxTracker:
    """Return a tracker with the settings that are published for a benchmark."""
    network = load_model(weights, device=device)
    return Tracker(network, PRESETS[preset] if network.config.head == "car" else None)


def check_contamination(config: RunConfig, benchmark: Benchmark) -> str:
    """Return what must be said beside the numbers.

    Raises:
        SourceError: The weights were trained on the benchmark, and nobody allowed that.
    """
    if not config.weights:
        return ""
    found = find_contamination(benchmark, config.weights)
    if found.trained_on and not config.allow_contaminated:
        raise SourceError(
            f"{config.weights}: trained on {len(found.trained_on)} of the "
            f"{len(benchmark.sequences)} sequences, such as {found.trained_on[0]}; the numbers "
            "would mean nothing. Pass --allow-contaminated True to get them all the same, marked"
        )
    return found.note


def _score_one_pass(config: RunConfig, benchmark: Benchmark, results: Path) -> tuple[Table, Path]:
    rules = CONVENTIONS[config.convention]
    scores = _score_each(
        config,
        results,
        lambda folder, note: score_tracker(benchmark, folder, convention=rules, note=note),
    )
    page = write_onepass_report(
        benchmark,
        scores,
        Path(config.out or f"reports/{config.benchmark}"),
        convention=rules,
        results=results,
        made_by=describe_run(_PROG, config),
    )
    return summary_table(benchmark, scores, convention=rules), page


def _score_supervised(config: RunConfig, benchmark: Benchmark, results: Path) -> tuple[Table, Path]:
    ending: Ending = "pysot" if config.convention == "pysot" else "matlab"
    trackers = _score_each(
        config,
        results,
        lambda folder, note: score_vot(benchmark, folder, ending=ending, note=note),
    )
    out = Path(config.out or f"reports/{config.benchmark}")
    page = write_vot_report(benchmark, trackers, out, made_by=describe_run(_PROG, config))
    return vot_table(benchmark, trackers), page


def _score_each(
    config: RunConfig, results: Path, score: Callable[[Path, str], Score]
) -> list[Score]:
    """Return the score of every tracker in the folder.

    After tracking, the others are scored as far as they are there: one that was interrupted must
    not keep a finished one from its report.
    """
    scores = []
    for name in list_trackers(results):
        try:
            scores.append(score(results / name, read_note(results / name)))
        except SourceError as error:
            if not (config.weights or config.tracker) or name == _tracker_name(config):
                raise
            logger.warning("%s is left out: %s", name, error)
    return scores


def _tracker_name(config: RunConfig) -> str:
    return config.name or config.tracker or Path(config.weights).stem


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(RunConfig, run, argv, prog=_PROG, errors=(SourceError, WeightsError))


if __name__ == "__main__":
    sys.exit(main())
