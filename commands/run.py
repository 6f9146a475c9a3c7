"""The frame of a command: options, errors in one line, exit code."""

import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from typing import TypeVar

from commands.name_clash import require_same_checkout
from commands.options import HELP_OPTIONS, parse_options, print_help
from commands.safe_text import PrintableStream, log_to_stderr, print_traceback, printable

Config = TypeVar("Config")

logger = logging.getLogger("dcffnet")

_ENDLESS = re.compile(r"(\S{300})\S{1000,}")
"""A word longer than any path: part of the content of a file."""

_NETWORK_LIBRARIES = ("aiobotocore", "aiohttp", "botocore")
"""Behind s3:// and https://; not all of their errors are OSErrors."""


def run_command(
    config_class: type[Config],
    run: Callable[[Config], int | None],
    argv: Sequence[str] | None,
    *,
    prog: str,
    common: tuple[str, ...] = (),
    errors: tuple[type[Exception], ...] = (),
    after_ctrl_c: str = "the same command starts anew",
) -> int:
    """Parse the options, run the command, and return its exit code.

    Args:
        config_class: Frozen dataclass; each field is an option.
        run: The command. It returns None or 0 for success.
        argv: The options, or None for those of this process.
        prog: The command line before the options, for the usage text.
        common: Options that ``--help`` shows, such as "data.where", where all do not fit a screen;
            ``--help-all`` shows all.
        errors: Problems of data or run that become one line and exit code 1, besides those of
            `is_expected`; anything else is a bug and keeps its traceback.
        after_ctrl_c: Effect of the same command after an interruption, for the message.

    Returns:
        0 for success, 1 for a problem with data or run, 2 for a wrong option, 130 for Ctrl-C.
    """
    _print_anything()
    log_to_stderr(logging.INFO)
    sys.excepthook = print_traceback
    for library in _NETWORK_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    options = sys.argv[1:] if argv is None else argv
    try:
        is_plain = all(printable(option) == option for option in options)
        shown = nullcontext() if is_plain else redirect_stderr(PrintableStream(sys.stderr))
        with _colors_where_wanted(allowed=is_plain), shown:
            if HELP_OPTIONS & set(options):
                print_help(config_class, () if "--help-all" in options else common, prog=prog)
                return 0
            config = parse_options(config_class, options, prog=prog)
    except SystemExit as stop:
        return int(stop.code or 0)
    except BrokenPipeError:  # a long help
        _discard_output()
        return 0
    try:
        require_same_checkout("datasets")
        with redirect_stdout(PrintableStream(sys.stdout)):
            return run(config) or 0
    except KeyboardInterrupt:
        logger.error("interrupted; %s", after_ctrl_c)
        return 130
    except Exception as error:
        if not is_expected(error, *errors):
            raise
        logger.error("%s", one_line(error))
        return 1


@contextmanager
def _colors_where_wanted(*, allowed: bool) -> Iterator[None]:
    """Keep colours out of help and messages under ``NO_COLOR`` and where stderr is a file.

    tyro ignores both, but reads ``TERM`` when it prints.
    """
    terminal = os.environ.get("TERM")
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty() or not allowed:
        os.environ["TERM"] = "dumb"
    try:
        yield
    finally:
        os.environ.pop("TERM", None)
        if terminal is not None:
            os.environ["TERM"] = terminal


def show(text: str) -> None:
    """Print a text; a reader of a pipe, such as ``head``, may stop before the end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _discard_output()


def _discard_output() -> None:
    """Discard further output: a reader such as ``head`` has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_anything() -> None:
    """Escape characters that the terminal's encoding lacks, such as rules of tables."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_expected(error: Exception, *more: type[Exception]) -> bool:
    """Return True if the user can fix the error (files, network, missing packages)."""
    library = type(error).__module__.partition(".")[0]
    return (
        isinstance(error, (OSError, ImportError, *more))
        or library in _NETWORK_LIBRARIES
        or _is_foreign_name(error)
    )


def _is_foreign_name(error: Exception) -> bool:
    """Return True for a name that is not UTF-8, where a library takes UTF-8 only."""
    return isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason


def one_line(error: Exception) -> str:
    """Return an error's message in one line."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return printable(f"{error.filename}: {error.strerror}").replace("\n", "\\n")
    if isinstance(error, UnicodeEncodeError) and _is_foreign_name(error):
        name = error.object[max(0, error.start - 200) : error.end + 50]
        return f"{name!a}: a name that is not UTF-8. Use another name"
    text = _ENDLESS.sub(r"\1...", " ".join(str(error).split()))
    return printable(text) or type(error).__name__
