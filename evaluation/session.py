"""Track and score several trackers on one benchmark, and write the report."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tqdm import tqdm

from datasets.tracks import SourceError
from evaluation.benchmarks import BenchmarkName, open_benchmark
from evaluation.conventions import CONVENTIONS, ConventionName
from evaluation.onepass import track_benchmark
from evaluation.onepass_report import summary_table, write_onepass_report
from evaluation.report import Table
from evaluation.scores import TrackerScore, score_tracker
from evaluation.sequences import Benchmark
from manifests.atomic import whole_file
from tracking.tracker import BoxTracker


def evaluate_trackers(
    trackers: Mapping[str, Callable[[], BoxTracker]],
    *,
    root: str,
    results: Path,
    out: Path,
    benchmark: BenchmarkName = "otb100",
    convention: ConventionName = "otb",
    identities: Mapping[str, str] | None = None,
) -> tuple[list[TrackerScore], Table]:
    """Track with each tracker, score all of them and write ``out/report.html`` with its plots.

    Args:
        trackers: Factories of trackers by the names that tables and folders use.
        root: The benchmark's folder.
        results: Folder of the result files; sequences that have one are not tracked again.
        out: Folder of the report.
        benchmark: Which benchmark.
        convention: The rules of measuring.
        identities: By tracker, what its results depend on, such as the SHA-256 of its weights. A
            folder with results of another identity is refused.

    Returns:
        The scores in the given order, and the table that the report shows.
    """
    opened = open_benchmark(benchmark, root)
    for name, make_tracker in trackers.items():
        folder = results / name
        claim_folder(folder, (identities or {}).get(name, name))
        track_with_progress(make_tracker, opened, folder)
    rules = CONVENTIONS[convention]
    scores = [score_tracker(opened, results / name, convention=rules) for name in trackers]
    write_onepass_report(opened, scores, out, convention=rules)
    return scores, summary_table(opened, scores, convention=rules)


def track_with_progress(
    make_tracker: Callable[[], BoxTracker], benchmark: Benchmark, folder: Path
) -> None:
    """Track every sequence that has no result in ``folder`` yet, with a progress bar."""
    with tqdm(
        total=benchmark.num_frames,
        desc=folder.name,
        unit="frame",
        unit_scale=True,
        file=sys.stderr,
        disable=None,
    ) as bar:
        track_benchmark(make_tracker, benchmark, folder, report=bar.update)


def claim_folder(folder: Path, identity: str) -> None:
    """Note in a tracker's folder what its results depend on, or check that it is still the same.

    Raises:
        SourceError: The folder has results of another tracker, or of other weights.
    """
    path = folder / "tracker.json"
    if path.exists():
        noted = json.loads(path.read_text(encoding="utf-8")).get("identity")
        if noted == identity:
            return
        raise SourceError(
            f"{folder}: holds results of {noted!r}, and this tracker is {identity!r}. "
            "Pass another --name, or delete the folder"
        )
    if any(folder.glob("*.txt")):
        raise SourceError(
            f"{folder}: holds results that were not tracked here. Pass another --name, or score "
            "them with --results"
        )
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps({"identity": identity}) + "\n", encoding="utf-8")
