"""Two of the same command on one output at once: both end, and one's output is whole."""

import shutil
from collections.abc import Iterator

from bench.faults.family import Outcome, Trials
from bench.faults.world import World, digests, finish, last_line, leftovers, start

_FULL = 2
"""Pairs per command."""
_PATIENCE_S = 900.0


def two_at_once(trials: Trials) -> Iterator[Outcome]:
    """Yield a row per command."""
    world = World(trials.folder)
    out = trials.folder / "out"
    for name, command in world.writers(out).items():
        if not trials.wants(name):
            continue
        outcome = Outcome(name=f"two at once: {name}", compared="files of one alone; none half")
        with outcome.timed():
            finish(start(command, trials.folder), seconds=_PATIENCE_S)
            alone = digests(out)
            for _ in range(trials.count(_FULL)):
                shutil.rmtree(out, ignore_errors=True)
                processes = [start(command, trials.folder) for _ in range(2)]
                ends = [finish(process, seconds=_PATIENCE_S) for process in processes]
                outcome.lost += any(code is None for code, _ in ends)
                problems = [
                    last_line(said)
                    for code, said in ends
                    if code not in (0, 1) or (code == 1 and "Traceback" in said)
                ]
                if all(code for code, _ in ends):
                    problems.append("neither succeeds")
                if digests(out) != alone:
                    problems.append(f"other files: {_difference(alone, digests(out))}")
                problems += leftovers(out)
                outcome.check(is_right=not problems, note="; ".join(problems))
            shutil.rmtree(out, ignore_errors=True)
        yield outcome


def _difference(before: dict[str, str], now: dict[str, str]) -> str:
    names = sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n))
    return ", ".join(names[:5])
