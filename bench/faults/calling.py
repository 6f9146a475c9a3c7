"""Calls of commands within this process, and their output."""

import importlib
import io
import logging
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

_ELSEWHERE = {"sampling.preview": "trainer.preview"}
"""Commands whose ``main`` is in another module."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Called:
    """The end of a command."""

    code: int | None
    """Exit code; None after a traceback."""
    errors: list[str]
    """Messages of errors."""
    stdout: str
    stderr: str
    bug: BaseException | None = None
    """What a traceback would show."""


def call(module: str, options: Sequence[str]) -> Called:
    """Run a command, as ``python -m`` names it, with its log caught."""
    found = importlib.import_module(_ELSEWHERE.get(module, module))
    is_package = hasattr(found, "__path__")
    main = (importlib.import_module(f"{module}.__main__") if is_package else found).main
    errors: list[str] = []
    root = logging.getLogger()
    handlers, root.handlers[:] = root.handlers[:], [_Errors(errors)]
    stdout, stderr = io.StringIO(), io.StringIO()
    code, bug = None, None
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = main(list(options))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of Rust is no Exception
        bug = error
    finally:
        root.handlers[:] = handlers
    return Called(
        code=code, errors=errors, stdout=stdout.getvalue(), stderr=stderr.getvalue(), bug=bug
    )


def describe_bug(error: BaseException) -> tuple[str, str]:
    """Return the kind of an error that is a bug, and a line about it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if str(_ROOT) in f.filename and "/bench/" not in f.filename]
    last = (ours or frames)[-1]
    kind = f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"
    return kind, f"{kind}:{last.lineno}: {' '.join(str(error).split())[:300]}"


class _Errors(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())
