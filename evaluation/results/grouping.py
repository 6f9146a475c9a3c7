"""Which result files belong to one tracker, and which of them are runs of it.

pytracking numbers the folders of its runs: ``<tracker>/<param>_000/``, ``<param>_001/`` and so on.
GOT-10k's and VOT's toolkits number the files. ``<tracker>-0``, ``<tracker>-1`` and so on are runs
too, such as trainings with several seeds.
"""

import logging
import re
from collections.abc import Iterator, Sequence

from datasets.files import RawFiles
from evaluation.results.entries import Entry
from evaluation.results.tracked_on import TRACKER_FILE
from evaluation.results.tracker import TrackerResults

logger = logging.getLogger(__name__)


def group_entries(
    entries: Sequence[Entry], files: RawFiles, outer: str = ""
) -> Iterator[TrackerResults]:
    """Yield the trackers that result files of one root belong to.

    Args:
        entries: Entries of the paths.
        files: The root.
        outer: Name of a tracker whose files lie directly in the root.
    """
    runs: dict[str, list[Entry]] = {}
    for run in dict.fromkeys(entry.run for entry in entries):
        here = [entry for entry in entries if entry.run == run]
        # Beside uav_car1.txt, pytracking's folders hold Car1.txt of another benchmark.
        here = [entry for entry in here if entry.has_prefix] or here
        trackers = {entry.tracker for entry in here}
        for entry in here:
            inner = entry.tracker if len(trackers) > 1 or not (run or outer) else ""
            runs.setdefault("/".join(filter(None, (run, inner))) or outer, []).append(entry)
    groups: dict[str, list[str]] = {}
    for label in sorted(runs):
        counted = re.sub(r"-\d+$", "", label)
        if {f"{counted}-0", f"{counted}-1"} <= runs.keys():
            plain = counted
        elif files.exists(f"{label}/{TRACKER_FILE}"):
            plain = label  # a tracker that ran here keeps the name that its user gave it
        else:
            plain = re.sub(r"_\d{3}(?=/|$)", "", label)
        groups.setdefault(plain if plain not in runs else label, []).append(label)
    for name, labels in groups.items():
        if len(labels) > 1:
            logger.info("%s: %d runs, %s", name, len(labels), ", ".join(labels))
        yield _make_tracker(
            name if len(labels) > 1 else labels[0], [runs[label] for label in labels], files
        )


def _make_tracker(name: str, runs: Sequence[Sequence[Entry]], files: RawFiles) -> TrackerResults:
    paths: dict[str, tuple[str, ...]] = {}
    problems: dict[str, str] = {}
    for run in runs:
        files_of: dict[tuple[str, int], list[Entry]] = {}
        for entry in sorted(run, key=lambda entry: (entry.repetition, entry.rank)):
            files_of.setdefault((entry.sequence, entry.repetition), []).append(entry)
        for (sequence, _), candidates in files_of.items():
            paths[sequence] = (*paths.get(sequence, ()), candidates[0].path)
            same = [entry.path for entry in candidates if entry.rank == candidates[0].rank]
            if len(same) > 1:
                problems[sequence] = f"{' and '.join(same)} are both {sequence}"
    folders = tuple(files.where(run[0].run).rstrip(": ") for run in runs)
    return TrackerResults(name=name, folders=folders, files=files, paths=paths, problems=problems)
