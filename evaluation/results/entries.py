"""Sequence, run and tracker of a result file, from its path.

<run>/<sequence>.txt                            most toolkits, also .json
<run>/uav_<sequence>.txt                        pytracking and its heirs, for UAV123
<run>/<sequence>/<sequence>_001.txt             GOT-10k's toolkit, one file per repetition
<run>/baseline/<sequence>/<sequence>_001.txt    VOT's toolkit, also .bin
<run>/<sequence>_<tracker>.mat                  OTB's MATLAB toolkit
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from datasets.files import RawFiles
from evaluation.results.formats import FORMATS

_SUFFIXES = (*FORMATS, "bin")
_SKIPPED = {"__MACOSX", "times", "tracked_on"}
_DEPTH = 6
"""Levels of folders that are looked into."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A result file of a sequence."""

    path: str
    """Below the root."""
    sequence: str
    run: str
    """The folder of the run; empty for the root."""
    repetition: int = 1
    tracker: str = ""
    """In the name of MATLAB's files, because one folder may hold many trackers."""
    is_exact: bool
    """Whether the sequence's name is spelled as the benchmark does."""
    has_prefix: bool = False

    @property
    def rank(self) -> tuple[bool, int]:
        """Which of two files of one sequence counts: the lower."""
        return not self.is_exact, _SUFFIXES.index(suffix_of(self.path))


def suffix_of(path: str) -> str:
    """Return a file's suffix in lower case, without the point."""
    return path.rpartition(".")[2].lower()


def split_number(path: str) -> tuple[str, int]:
    """Return sequence and repetition of ``<sequence>/<sequence>_001.txt``; else "" and 0."""
    folder, _, base = path.rpartition("/")
    last = folder.rpartition("/")[2]
    stem = base.rpartition(".")[0]
    number = stem.removeprefix(f"{last}_")
    return (last, int(number)) if number != stem and re.fullmatch(r"\d{3,}", number) else ("", 0)


def list_files(files: RawFiles, folder: str = "", *, depth: int = _DEPTH) -> Iterator[str]:
    """Yield the paths of possible result files, without files of times and of macOS."""
    for name in files.list(folder):
        if name.startswith(".") or name in _SKIPPED:
            continue
        path = f"{folder}/{name}" if folder else name
        if suffix_of(name) not in _SUFFIXES:
            if depth > 1:
                yield from list_files(files, path, depth=depth - 1)
        elif not name.rpartition(".")[0].endswith("_time"):
            yield path


def identify(path: str, find: Callable[[str], str | None], *, prefix: str = "") -> Entry | None:
    """Return the entry of a path; None if it names no sequence.

    Args:
        path: Of the file, below the root.
        find: `evaluation.results.names.result_finder` of the sequences.
        prefix: Prefix of the names of this benchmark in some toolkits.
    """
    run, _, base = path.rpartition("/")
    stem = base.rpartition(".")[0]
    spelled, repetition = split_number(path)
    if repetition:
        above = run.rpartition("/")[0]
        run = above.removesuffix("baseline").removesuffix("/")
        return _entry(path, spelled, find, run=run, repetition=repetition)
    entry = _entry(path, stem, find, run=run)
    if entry is None and prefix and stem.startswith(prefix):
        entry = _entry(path, stem.removeprefix(prefix), find, run=run, has_prefix=True)
    if entry is None and suffix_of(path) == "mat":
        for cut in reversed([match.start() for match in re.finditer("_", stem)]):
            entry = entry or _entry(path, stem[:cut], find, run=run, tracker=stem[cut + 1 :])
    return entry


def _entry(
    path: str,
    spelled: str,
    find: Callable[[str], str | None],
    *,
    run: str,
    repetition: int = 1,
    tracker: str = "",
    has_prefix: bool = False,
) -> Entry | None:
    sequence = find(spelled)
    if sequence is None:
        return None
    return Entry(
        path=path,
        sequence=sequence,
        run=run,
        repetition=repetition,
        tracker=tracker,
        is_exact=spelled == sequence,
        has_prefix=has_prefix,
    )
