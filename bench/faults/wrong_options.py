"""Wrong command lines: exit code 2, one message, nothing written."""

import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir
from pathlib import Path

from bench.faults.calling import call, describe_bug
from bench.faults.family import Outcome, Trials
from commands.usage import command_docstrings

_FULL = 200
_PROCESSES_EVERY = 50
"""Every which line is given to a process of its own too."""
_PACKAGES = ("datasets", "manifests", "sampling", "trainer", "tracking", "evaluation", "model")
_ROOT = Path(__file__).resolve().parents[2]
_OPTION = re.compile(r"(--[a-z][\w.-]*) (INT|FLOAT|\{[^}|]+\})(?![\w|])")
_WORDS = (
    "--nonsense",
    "--outt",
    "--see",
    "-x",
    "--manifest.parquet",
    "--\u202e",
    "--\x1b[31m",
    "---",
)
_NO_NUMBERS = ("two", "1.5.2", "", "0x1f", "1e", "\u0663x", "--", "\x1b[31m", "None", "a" * 2000)


def wrong_command_lines(trials: Trials) -> Iterator[Outcome]:
    """Yield one row."""
    outcome = Outcome(name="wrong command lines", compared="exit code 2, one message, no file")
    names = [name for package in _PACKAGES for name in command_docstrings(package)]
    with outcome.timed(), tempfile.TemporaryDirectory(dir=trials.folder) as folder, chdir(folder):
        options = {name: _options(name) for name in names}
        for number in range(trials.count(_FULL)):
            rng = trials.rng("options", number)
            name = rng.choice(names)
            line = _wrong_line(rng, options[name])
            problem = _problem(name, line)
            if not problem and number % _PROCESSES_EVERY == 0:
                problem = _problem_of_process(name, line)
            if not problem and any(Path(folder).iterdir()):
                problem = "wrote something"
            outcome.check(is_right=not problem, note=f"{name} {str(line)[:100]!a}: {problem}")
    yield outcome


def _options(module: str) -> Mapping[str, str]:
    """Return the options that take a number or one of some words, with their values."""
    return dict(_OPTION.findall(call(module, ["--help"]).stdout))


def _wrong_line(rng: random.Random, options: Mapping[str, str]) -> list[str]:
    if not options or rng.random() < 0.3:
        return [rng.choice(_WORDS), *rng.choice(([], ["1"], ["x", "y"]))]
    name = rng.choice(sorted(options))
    kind = rng.randrange(4)
    if kind == 0 or options[name] == "{True,False}":  # a flag's value may be left out
        return [name + rng.choice("xyz"), "1"]
    if kind == 1:
        return [name]
    return [name, rng.choice(_NO_NUMBERS)]


def _problem(module: str, line: list[str]) -> str:
    done = call(module, line)
    if done.bug is not None:
        return describe_bug(done.bug)[1]
    messages = done.stderr.count("For full helptext") + len(done.errors)
    if done.code != 2 or messages != 1:
        return f"exit code {done.code}, {messages} messages, {done.stderr[-200:]!r}"
    if done.stdout:
        return f"on stdout: {done.stdout[:100]!r}"
    if "\x1b" in done.stderr:
        return f"an escape sequence: {done.stderr!r}"
    return ""


def _problem_of_process(name: str, line: list[str]) -> str:
    command = [sys.executable, "-m", name, *line]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 2 or "Traceback" in done.stderr or done.stdout:
        return f"as a process: exit code {done.returncode}, {done.stderr[-200:]!r}"
    return ""
