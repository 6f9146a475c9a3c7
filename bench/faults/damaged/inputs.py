"""Damaged files of others: each is read right or is one line, within limits of memory and time.

Nothing outside the output may be touched. A failure is shrunk and kept with its seed.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.faults.damaged.made_readers import MADE_READERS
from bench.faults.damaged.picture_readers import PICTURE_READERS
from bench.faults.damaged.raw_readers import RAW_READERS
from bench.faults.damaged.reader import Reader
from bench.faults.damaged.reading import Failure, read_all
from bench.faults.damaged.result_readers import RESULT_READERS
from bench.faults.family import Outcome, Trials

READERS: tuple[Reader, ...] = (*RAW_READERS, *PICTURE_READERS, *MADE_READERS, *RESULT_READERS)
_FULL = 1000
_COMPARED = "read right, or one line with the file's name; no other file touched"


def damaged_inputs(trials: Trials) -> Iterator[Outcome]:
    """Yield a row per reader."""
    readers = [reader for reader in READERS if trials.wants(reader.name)]
    number = trials.count(_FULL)
    jobs = [(reader.name, number_of) for reader in readers for number_of in range(number)]
    found: dict[str, list[Failure]] = {}
    started = time.monotonic()
    for failure in read_all(jobs, trials):
        found.setdefault(failure.reader, []).append(failure)
    seconds = (time.monotonic() - started) / len(readers) if readers else 0
    for reader in readers:
        outcome = Outcome(name=reader.name, compared=_COMPARED, count=number, seconds=seconds)
        kinds: dict[str, Failure] = {}
        for failure in found.get(reader.name, ()):
            outcome.lost += failure.is_lost
            outcome.wrong += not failure.is_lost and not failure.is_shrunk
            if failure.is_shrunk or failure.kind not in kinds:
                kinds[failure.kind] = failure
        for failure in kinds.values():
            name = f"{reader.name.replace(' ', '-')}-{trials.seed}-{failure.number}"
            path = trials.keep(name + Path(reader.file).suffix, failure.data)
            outcome.notes.append(f"{failure.text} ({path})")
        yield outcome
