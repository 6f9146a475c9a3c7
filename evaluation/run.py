"""Track a benchmark and score the results, or score results that exist.

    python -m evaluation.run --benchmark otb100 --root data/raw/OTB100 --weights runs/w.safetensors
    python -m evaluation.run --benchmark vot2018 --root data/raw/VOT2018 --tracker mil --workers 4
    python -m evaluation.run --benchmark lasot --root data/raw/lasot --results published/lasot

Results go to ``results/<benchmark>/<tracker>/``, the report to ``reports/<benchmark>/``. A sequence
that has a result is not tracked again: the same command goes on where it stopped. Results of many
other toolkits are read too; docs/evaluation.md has their layouts.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from commands.choices import Count, Device
from commands.places import keep_inputs, require_utf8
from commands.provenance import describe_run
from commands.run import run_command
from datasets.executors import reachable
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark, ReportOptions
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.open_benchmark import BenchmarkName
from evaluation.benchmarks.protocols import PROTOCOLS
from evaluation.onepass.conventions import ConventionName
from evaluation.presentation.tables import table_text
from evaluation.results.claim import claim_folder, only_tracking
from evaluation.results.kept import kept_note
from evaluation.results.tracked_on import TRACKER_FILE
from evaluation.runs.track_all import track_all
from evaluation.runs.trackers import choose_baseline, choose_network
from evaluation.selection import Selection, find_selected, open_selected
from evaluation.vot.toolkit import find_toolkit
from model.weights import PRETRAINED, WeightsError, weights_files
from tracking.crop_network import Precision

logger = logging.getLogger(__name__)

_PROG = "python -m evaluation.run"

_COMMON = (
    *("benchmark", "root", "weights", "tracker", "results", "name", "out"),
    "selection.sequences",
)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Track a benchmark and score the results."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark."""
    root: str | None = None
    """Its folder; by default data/raw/<benchmark>."""
    weights: str | None = None
    """Trained weights to track with, a .safetensors file."""
    tracker: str | None = None
    """Or a baseline to track with: static, mil; csrt and kcf where OpenCV's contrib build is."""
    results: str | None = None
    """Folder with one folder or zip of result files per tracker. All trackers in it are scored;
    by default results/<benchmark>."""
    name: str | None = None
    """Name of the tracker; by default that of the weights' file or of the baseline."""
    out: str | None = None
    """Folder of the report; by default reports/<benchmark>."""
    selection: Annotated[Selection, tyro.conf.OmitArgPrefixes] = field(default_factory=Selection)
    convention: ConventionName | None = None
    """Rules of measuring; without it, those that papers print for the benchmark. For VOT only
    pysot differs."""
    settings: str | None = None
    """Settings that evaluation.tune found, its best.json; by default the tuned ones."""
    device: Device = "auto"
    """Device of the network; auto takes a GPU if there is one."""
    precision: Precision = "float32"
    """Of the network's convolutions."""
    workers: Count = 1
    """Processes that track; with --batch, processes that read and crop."""
    batch: Count = 1
    """Sequences that advance in lockstep, by one call of the network; not for baselines and VOT."""
    cluster: str | None = None
    """Address of a Dask scheduler whose workers track, such as tcp://host:8786."""
    allow_contaminated: bool = False
    """Whether weights may be evaluated on their training data; the report then warns."""
    vot_toolkit: bool = False
    """Whether to ask the official Python toolkit too, for VOT; its command is not a part of
    this project."""

    def __post_init__(self) -> None:
        """Reject options that exclude each other."""
        if self.batch < 1:
            raise ValueError(f"--batch: {self.batch}, expected 1 or more")
        if self.batch > 1 and self.tracker:
            raise ValueError(f"--batch: for networks only, and --tracker is {self.tracker}")
        if self.batch > 1 and self.cluster:
            raise ValueError("--batch and --cluster: workers of a cluster track one by one")
        protocol = BENCHMARKS[self.benchmark].protocol
        if self.batch > 1 and PROTOCOLS[protocol].follow is None:
            raise ValueError(
                f"--batch: {self.benchmark} is {protocol}: its repetitions must be equal to the "
                "last digit, which the size of a batch changes"
            )


def run(config: RunConfig) -> None:
    """Track where results are missing, score, print the table and write the report."""
    if config.cluster:
        config = _for_cluster(config)
    results = Path(config.results or f"results/{config.benchmark}")
    _check_outputs(config, results)
    benchmark = open_selected(config.benchmark, config.root, config.selection)
    if config.vot_toolkit:
        if benchmark.record.protocol != "supervised":
            raise SourceError(f"--vot-toolkit: it judges VOT only, not {benchmark.title}")
        find_toolkit()  # before hours of tracking
    if config.weights or config.tracker:
        track_missing(config, benchmark, results)
    trackers = find_selected(benchmark, results, config.selection, always=_tracker_name(config))
    options = ReportOptions(
        convention=config.convention or benchmark.record.convention,
        out=Path(config.out or f"reports/{config.benchmark}"),
        made_by=describe_run(_PROG, config),
        always=_tracker_name(config),
        ask_toolkit=config.vot_toolkit,
    )
    tables, page = benchmark.protocol.report(benchmark, trackers, options)
    print("\n\n".join(map(table_text, tables)))
    if benchmark.note:
        print(f"Not the published {benchmark.title}: {benchmark.note}")
    print(page)


def _for_cluster(config: RunConfig) -> RunConfig:
    """Return the options with paths that are valid in all workers."""
    weights, settings = config.weights, config.settings
    return replace(
        config,
        root=reachable(config.root or f"data/raw/{config.benchmark}"),
        results=reachable(config.results or f"results/{config.benchmark}"),
        weights=weights if weights in (None, PRETRAINED) else reachable(weights),
        settings=settings and reachable(settings),
    )


def _check_outputs(config: RunConfig, results: Path) -> None:
    root = config.root or f"data/raw/{config.benchmark}"
    out = Path(config.out or f"reports/{config.benchmark}")
    keep_inputs([root], folders=[out])
    keep_inputs([root], folders=[results], option="--results")
    require_utf8(_tracker_name(config))
    weights = weights_files(config.weights) if config.weights else ()
    written = [out / "curves.json", results / _tracker_name(config) / TRACKER_FILE]
    keep_inputs([*weights, config.settings], files=written)


def track_missing(config: RunConfig, benchmark: Benchmark, results: Path) -> None:
    """Track the sequences without a result of the tracker in the options.

    Raises:
        SourceError: Both kinds of tracker are asked for, or this one cannot run here.
        WeightsError: The weights cannot be used.
    """
    if config.weights and config.tracker:
        raise SourceError("--weights and --tracker: two trackers; run the command once for each")
    if config.tracker:
        chosen = choose_baseline(config.tracker)
    else:
        assert config.weights  # or there would be nothing to track
        chosen = choose_network(
            config.weights,
            benchmark,
            settings=config.settings,
            device=config.device,
            precision=config.precision,
            allow_contaminated=config.allow_contaminated,
        )
    folder = results / _tracker_name(config)
    with only_tracking(folder):
        claim_folder(folder, chosen.identity, note=chosen.note)
        track_all(
            *(chosen.make, benchmark, folder),
            workers=config.workers,
            batch=config.batch,
            cluster=config.cluster,
        )
    if note := kept_note(folder):
        logger.warning("%s: %s", folder.name, note)


def _tracker_name(config: RunConfig) -> str:
    """Return the name of the tracker that runs now; empty where results are scored only."""
    if not (config.weights or config.tracker):
        return ""
    weights = Path(config.weights or "").name.removesuffix(".safetensors")
    return config.name or config.tracker or weights


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        RunConfig,
        run,
        argv,
        prog=_PROG,
        common=_COMMON,
        errors=(SourceError, WeightsError),
        after_ctrl_c="results that are whole stay, and the same command tracks the others",
    )


if __name__ == "__main__":
    sys.exit(main())
