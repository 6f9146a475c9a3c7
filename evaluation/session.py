"""Tracker folders that know what their results depend on, and one call for several trackers."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from commands.files import whole_file
from commands.page import Table
from commands.provenance import Provenance
from datasets.files.lock import only_one
from datasets.tracks import SourceError
from evaluation.benchmarks import BenchmarkName, open_benchmark
from evaluation.conventions import CONVENTIONS, ConventionName
from evaluation.kept import kept_note
from evaluation.onepass_report import summary_table, write_onepass_report
from evaluation.scores import TrackerScore, score_tracker
from evaluation.selection import Selection, find_selected
from evaluation.tracked_on import TRACKER_FILE
from evaluation.work import track_all
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
    made_by: Provenance | None = None,
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
        made_by: What the page names as the command that made it.

    Returns:
        The scores in the given order, and the table that the report shows.
    """
    opened = open_benchmark(benchmark, root)
    for name, make_tracker in trackers.items():
        folder = results / name
        with only_tracking(folder):
            claim_folder(folder, (identities or {}).get(name, name))
            track_all(make_tracker, opened, folder)
    rules = CONVENTIONS[convention]
    found = find_selected(opened, results, Selection(trackers=tuple(trackers)))
    by_name = {each.name: each for each in found}
    scores = [score_tracker(opened, by_name[name], convention=rules) for name in trackers]
    write_onepass_report(
        opened,
        scores,
        out,
        convention=rules,
        made_by=made_by or Provenance(command=("python", "-m", "evaluation.run")),
    )
    return scores, summary_table(opened, scores, convention=rules)


def only_tracking(folder: Path) -> AbstractContextManager[None]:
    """Hold a tracker's folder: two trackers at once would leave results of both in it.

    Raises:
        SourceError: Another process tracks into it; the message has its host and process.
    """
    return only_one(folder, doing="tracking", option="--name")


def claim_folder(folder: Path, identity: str, *, note: str = "") -> None:
    """Note in a tracker's folder what its results depend on, or check that it is still the same.

    Args:
        folder: Where the results go.
        identity: Such as the SHA-256 of the weights.
        note: What every table must say beside the tracker's numbers.

    Raises:
        SourceError: The folder has results of another tracker, or of other weights.
    """
    path = folder / TRACKER_FILE
    has_results = next(folder.rglob("*.txt"), None) is not None
    if path.exists():
        noted = _read(path).get("identity")
        if noted == identity:
            return
        if has_results:
            raise SourceError(
                f"{folder}: holds results of {noted!r}, and this tracker is {identity!r}. "
                "Pass another --name, or delete the folder"
            )
    elif has_results:
        raise SourceError(
            f"{folder}: holds results that were not tracked here. Pass another --name, or score "
            "them with --results"
        )
    with whole_file(path) as temporary:
        text = json.dumps({"identity": identity, "note": note}) + "\n"
        temporary.write_text(text, encoding="utf-8")


def read_note(folder: Path) -> str:
    """Return what must be said beside a tracker's numbers; empty for results from elsewhere."""
    path = folder / TRACKER_FILE
    noted = _read(path).get("note", "") if path.exists() else ""
    return "; ".join(filter(None, (noted, kept_note(folder))))


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise SourceError(
            f"{path}: not JSON. Delete the tracker's folder and track again"
        ) from None
    return content if isinstance(content, dict) else {}
