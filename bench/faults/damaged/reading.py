"""Reading of damaged files in a process of its own, within limits of memory and time."""

import logging
import multiprocessing
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from bench.faults.calling import call, describe_bug
from bench.faults.damaged.mutations import mutate
from bench.faults.damaged.reader import Reader, files_of
from bench.faults.damaged.shrink import shrink
from bench.faults.family import Trials
from commands.run import is_expected, one_line

MEMORY_BYTES = 1 << 30
"""Address space that a read may take beyond that of the idle process."""
PATIENCE_S = 60.0
"""Longest time for one file."""
_START_S = 180.0
_COMMAND_EVERY = 25
"""Every which file is given to the command line too."""


Job = tuple[str, int]
"""A reader's name and the number of a trial."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A damaged file that was not handled as promised."""

    reader: str
    number: int
    data: bytes
    kind: str
    """Failures of one kind are of one cause, as far as can be told."""
    text: str
    is_lost: bool = False
    is_shrunk: bool = False
    """True for the smaller file of a failure that was told before."""


def damage(reader: Reader, trials: Trials, number: int, original: bytes) -> bytes:
    """Return the damaged file of one trial."""
    return mutate(trials.rng(reader.name, number), original, reader.mutations)


def read_all(jobs: Sequence[Job], trials: Trials) -> Iterator[Failure]:
    """Read the damaged files of all jobs in one process after another; yield those that fail.

    A process that hangs is killed, and one that crashes is followed by another.
    """
    context = multiprocessing.get_context("spawn")
    done = 0
    while done < len(jobs):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(jobs[done:], trials, theirs), daemon=True)
        process.start()
        theirs.close()
        patience, first = _START_S, done
        try:
            while ours.poll(patience):
                message = ours.recv()
                if isinstance(message, Failure):
                    yield message
                elif message is None:
                    done = len(jobs)
                    process.join()
                    break
                else:
                    position, is_first = message
                    done, patience = first + position, _START_S if is_first else PATIENCE_S
            else:
                yield _lost(jobs[done], trials, f"no end within {patience:.0f} s")
        except EOFError:
            process.join()
            yield _lost(jobs[done], trials, f"the process ended with {process.exitcode}")
        process.kill()
        process.join()
        done += 1


def _lost(job: Job, trials: Trials, text: str) -> Failure:
    reader, number = find_reader(job[0]), job[1]
    with tempfile.TemporaryDirectory(dir=trials.folder) as folder:
        reader.make(Path(folder) / "tree")
        data = damage(reader, trials, number, (Path(folder) / "tree" / reader.file).read_bytes())
    return Failure(*job, data, text, text, is_lost=True)


def find_reader(name: str) -> Reader:
    """Return the reader of a name."""
    from bench.faults.damaged.inputs import READERS

    return next(reader for reader in READERS if reader.name == name)


def _work(jobs: Sequence[Job], trials: Trials, answers: Connection) -> None:
    os.environ["NO_COLOR"] = "1"
    logging.disable(logging.INFO)
    log = os.open(trials.folder / "stderr.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)  # decoders in C and Rust write there
    case: Case | None = None
    kinds: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory(dir=trials.folder) as folder:
        for position, (name, number) in enumerate(jobs):
            is_first = case is None or case.reader.name != name
            answers.send((position, is_first))
            if case is None or is_first:
                _limit_memory(None)
                case = Case(find_reader(name), Path(folder) / name.replace(" ", "-"))
                case.judge(case.original, with_command=True)  # imports all that a read needs
                _limit_memory(MEMORY_BYTES)
                answers.send((position, False))
            data = damage(case.reader, trials, number, case.original)
            with_command = number % _COMMAND_EVERY == 0
            if not (found := case.judge(data, with_command=with_command)):
                continue
            kind, text = found
            answers.send(Failure(name, number, data, kind, text))
            if (name, kind) not in kinds:
                kinds.add((name, kind))
                small = shrink(data, partial(_is_same, case, kind, with_command))
                answers.send(Failure(name, number, small, kind, text, is_shrunk=True))
        answers.send(None)


def _is_same(case: "Case", kind: str, with_command: bool, data: bytes) -> bool:
    found = case.judge(data, with_command=with_command)
    return found is not None and found[0] == kind


def _limit_memory(more_bytes: int | None) -> None:
    """Limit the address space to its current size plus ``more_bytes``."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    used = pages * os.sysconf("SC_PAGE_SIZE")
    limit = resource.RLIM_INFINITY if more_bytes is None else used + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


class Case:
    """One reader with its tree in a folder."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader = reader
        self._tree, self._out = folder / "tree", folder / "out"
        folder.mkdir(exist_ok=True)
        reader.make(self._tree)
        (folder / "beside").write_text("of somebody else")
        self._folder = folder
        self._file = self._tree / reader.file
        self.original = self._file.read_bytes()
        self._kept = {
            path: path.read_bytes()
            for path in self._tree.rglob("*")
            if path.is_file() and reader.seal and path.stat().st_size < 1 << 20
        }

    def judge(self, data: bytes, *, with_command: bool = False) -> tuple[str, str] | None:
        """Read the tree with a damaged file; return kind and text of a failure."""
        for path, content in self._kept.items():
            path.write_bytes(content)
        self._file.write_bytes(data)
        if self.reader.seal:
            try:
                self.reader.seal(self._file)
            except (ValueError, TypeError):
                return None
        before = files_of(self._folder)
        found = self._read() or (self._run() if with_command else None)
        after = files_of(self._folder)
        shutil.rmtree(self._out, ignore_errors=True)
        changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
        outside = sorted(n for n in changed if not n.startswith("out") and n != "tree")
        if outside and not found and not self.reader.is_output:
            return "touched", f"touched outside of the output: {', '.join(outside[:5])}"
        return found

    def _read(self) -> tuple[str, str] | None:
        try:
            self.reader.read(self._tree)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except SystemExit:
            return None  # the parser of options: exit code 2
        except BaseException as error:  # a panic of Rust is no Exception
            if isinstance(error, Exception) and _is_promised(error, self.reader.errors):
                return self._bad_line(one_line(error))
            return describe_bug(error)
        return None

    def _bad_line(self, line: str) -> tuple[str, str] | None:
        if not line.strip() or len(line.splitlines()) != 1:
            return "no line", f"not one line: {line!r}"
        if self.reader.is_named and Path(self.reader.file).name.partition(".")[0] not in line:
            return "no name", f"does not name the file: {line}"
        if not line.isprintable():
            return "unprintable", f"not printable: {line!r}"
        if len(line) > 1000:
            return "long", f"{len(line)} characters: {line[:300]}..."
        return None

    def _run(self) -> tuple[str, str] | None:
        if self.reader.command is None:
            return None
        done = call(*self.reader.command(self._tree, self._out))
        if done.bug is not None:
            return describe_bug(done.bug)
        if done.code not in (0, 1, 2):
            return "code", f"exit code {done.code}"
        if done.code == 1 and len(done.errors) != 1:
            return "lines", f"{len(done.errors)} errors: {done.errors}"
        return self._bad_line(done.errors[0]) if done.code == 1 else None


def _is_promised(error: Exception, errors: tuple[type[Exception], ...]) -> bool:
    return is_expected(error, *errors) and not isinstance(error, AssertionError)
