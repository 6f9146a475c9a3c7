"""The trackers in a folder of results: which file holds which sequence.

    <results>/<tracker>/...             a folder per tracker, or
    <results>/<tracker>.zip             an archive of that folder, or of several
    <results>/<tracker>/<param>_000/    pytracking's runs: two of them are runs of one tracker

Only names of the benchmark are read; other files are ignored.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from datasets.box_files import decode_text
from datasets.files import RawFiles, open_root
from datasets.files.archives import is_archive, is_compressed
from datasets.files.folders import LocalFolder
from datasets.tracks import SourceError
from evaluation.results.entries import identify, list_files, split_number, suffix_of
from evaluation.results.formats import FORMATS
from evaluation.results.grouping import group_entries
from evaluation.results.names import result_finder
from evaluation.results.tracker import TrackerResults

logger = logging.getLogger(__name__)


def is_box_file(path: str) -> bool:
    """Return True if a path may be a result of a one-pass evaluation."""
    return suffix_of(path) in FORMATS


def find_trackers(
    results: Path,
    names: Sequence[str],
    *,
    prefix: str = "",
    is_result: Callable[[str], bool] = is_box_file,
) -> list[TrackerResults]:
    """Return the trackers in a folder or an archive, in the order of their names.

    Args:
        results: Folder with one folder or archive per tracker, or an archive of it.
        names: Of all sequences of the benchmark: with a part of them other names would match.
        prefix: Prefix of the names of this benchmark in files of pytracking.
        is_result: Whether a path may be a result file.

    Raises:
        SourceError: Nothing is there, or no result of this benchmark.
    """
    trackers: dict[str, TrackerResults] = {}
    foreign: list[str] = []
    for outer, files in _open_roots(results):
        try:
            paths = [path for path in list_files(files) if is_result(path)]
        except SourceError as error:
            if files.root == str(results):
                raise
            logger.warning("%s is left out: %s", outer, error)
            continue
        find = result_finder(names)
        entries = [entry for path in paths if (entry := identify(path, find, prefix=prefix))]
        if outer == "" and any(entry.run == entry.tracker == "" for entry in entries):
            raise SourceError(
                f"{results}: holds result files itself. Pass --results {results.parent}, with one "
                "folder per tracker"
            )
        used = {_top(entry.path, outer) for entry in entries}
        unused = [path for path in paths if _top(path, outer) not in used | {""}]
        foreign += [files.where(path) for path in unused]
        for tracker in group_entries(entries, files, outer):
            if tracker.name in trackers:
                logger.info("%s is passed over for %s", tracker.where, trackers[tracker.name].where)
            trackers.setdefault(tracker.name, tracker)
    there = ", ".join(foreign[:3])
    if not trackers and foreign:
        raise SourceError(
            f"{results}: no result of a sequence of the benchmark: found {there}, expected "
            f"<tracker>/{names[0]}.txt and so on. Are these another benchmark's results?"
        )
    if not trackers:
        raise SourceError(
            f"{results}: no results in it, expected <tracker>/<sequence>.txt with x,y,w,h lines, "
            "or for VOT <tracker>/baseline/<sequence>/<sequence>_001.txt"
        )
    if foreign:
        logger.warning("left out, no result of a sequence of the benchmark: %s", there)
    return [trackers[name] for name in sorted(trackers)]


def open_tracker(
    results: Path,
    names: Sequence[str] | None,
    *,
    prefix: str = "",
    is_result: Callable[[str], bool] = is_box_file,
) -> TrackerResults:
    """Return the one tracker whose folder or archive this is.

    Args:
        results: Its folder or archive.
        names: Of the sequences to ask for; None takes every file that holds boxes.
        prefix: As for `find_trackers`.
        is_result: As for `find_trackers`.

    Raises:
        SourceError: There is no result, or there are several trackers.
    """
    outer, files = next(_open_roots(results))
    paths = [path for path in list_files(files) if is_result(path)]
    if names is None:
        paths = [path for path in paths if _holds_boxes(files, path)]
        names = [split_number(path)[0] or _stem(path) for path in paths]
    find = result_finder(names)
    entries = [entry for path in paths if (entry := identify(path, find, prefix=prefix))]
    entries = [entry for entry in entries if not entry.run] or entries
    trackers = list(group_entries(entries, files, outer or results.absolute().name))
    if not trackers:
        raise SourceError(f"{results}: no result files in it, expected <sequence>.txt")
    if len(trackers) > 1:
        first = ", ".join(tracker.name for tracker in trackers[:4])
        raise SourceError(
            f"{results}: holds {len(trackers)} trackers, {first}. Pass --results with one of them"
        )
    return trackers[0]


def _open_roots(results: Path) -> Iterator[tuple[str, RawFiles]]:
    """Yield the folder, under the name "", and each archive in it under its stem."""
    if results.is_file():
        yield results.stem, _open_archive(results)
        return
    if not results.is_dir():
        raise SourceError(f"{results}: no such folder. Pass --results with one folder per tracker")
    yield "", LocalFolder(str(results))
    for path in sorted(results.iterdir()):
        if is_archive(path.name) and path.is_file() and not path.name.startswith("."):
            try:
                yield path.stem, _open_archive(path)
            except SourceError as error:
                logger.warning("%s is left out: %s", path.name, error)


def _open_archive(path: Path) -> RawFiles:
    if not is_archive(path.name) or is_compressed(path.name):
        raise SourceError(f"{path}: expected a folder, a .zip or a .tar. Unpack it first")
    return open_root(str(path), option="--results")


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _holds_boxes(files: RawFiles, path: str) -> bool:
    """Return True if a file is meant as a result: a damaged one is, a readme is not."""
    if suffix_of(path) == "mat":
        return True
    data, where = files.read(path), files.where(path)
    if suffix_of(path) == "txt":
        try:
            text = decode_text(data, where=where)
        except SourceError:
            text = "no text"
        is_result = re.match(r"\s*([-+.\d]|nan\b|$)", text, re.IGNORECASE) is not None
    else:
        is_result = b'"res"' in data
    if not is_result:
        logger.warning("%s is left out: it holds no boxes", where)
    return is_result


def _top(path: str, outer: str) -> str:
    """Return a tracker's name for the user; empty for a file beside the trackers' folders."""
    return outer or path.partition("/")[0] * ("/" in path)
