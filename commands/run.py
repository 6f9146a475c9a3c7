"""The frame of a command: options, errors in one line, exit code."""

import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import is_dataclass
from typing import TypeVar, get_type_hints

import tyro

from commands.name_clash import require_same_checkout
from commands.safe_text import PrintableStream, log_to_stderr, print_traceback, printable
from commands.usage import command_examples

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
    errors: tuple[type[Exception], ...] = (),
    after_ctrl_c: str = "the same command starts anew",
) -> int:
    """Parse the options, run the command, and return its exit code.

    Args:
        config_class: Frozen dataclass; each field is an option.
        run: The command. It returns None or 0 for success.
        argv: The options, or None for those of this process.
        prog: The command line before the options, for the usage text.
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
            config = parse_options(config_class, options, prog=prog)
    except SystemExit as stop:
        if {"-h", "--help"} & set(options):
            examples = command_examples(prog.rpartition(" ")[2])
            show(f"\nexamples:\n\n{examples}" if examples else "")
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


def parse_options(config_class: type[Config], argv: Sequence[str], *, prog: str) -> Config:
    """Return the options; SystemExit for a wrong one and for ``--help``."""
    options = complete_flags(config_class, argv)
    return tyro.cli(config_class, args=options, prog=prog, config=(tyro.conf.FlagConversionOff,))


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


def complete_flags(config_class: type[object], argv: Sequence[str]) -> list[str]:
    """Return the options with a value after each flag: ``--deep`` is ``--deep True``.

    Flags take a value, so that a command line can turn off a flag of a recipe.
    """
    flags = set(_flag_names(config_class, "--"))
    options: list[str] = []
    for index, option in enumerate(argv):
        options.append(option)
        following = argv[index + 1] if index + 1 < len(argv) else "--"
        if option.replace("_", "-") in flags and following not in {"True", "False"}:
            options.append("True")
    return options


def _flag_names(config_class: type[object], prefix: str) -> Iterator[str]:
    if not is_dataclass(config_class):
        return
    for name, kind in get_type_hints(config_class).items():
        option = prefix + name.replace("_", "-")
        if kind is bool:
            yield option
            yield f"--{name.replace('_', '-')}"  # where a command omits the prefix
        yield from _flag_names(kind, f"{option}.")
