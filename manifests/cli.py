"""What every command shares: options in, expected errors to one line, an exit code out."""

import logging
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro

from manifests.checkout import require_same_checkout

Config = TypeVar("Config")

logger = logging.getLogger("dcffnet")


def run_command(
    config_class: type[Config],
    run: Callable[[Config], int | None],
    argv: Sequence[str] | None,
    *,
    prog: str,
    errors: tuple[type[Exception], ...] = (),
) -> int:
    """Parse the options, run the command, and return its exit code.

    Args:
        config_class: Frozen dataclass; each field is an option.
        run: The command. It returns None or 0 for success.
        argv: The options, or None for those of this process.
        prog: What the user typed, for the usage text.
        errors: Problems of data or run that become one line and exit code 1, besides OSError;
            anything else is a bug and keeps its traceback.

    Returns:
        0 for success, 1 for a problem with data or run, 2 for a wrong option, 130 for Ctrl-C.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        config = tyro.cli(config_class, args=argv, prog=prog, config=(tyro.conf.FlagConversionOff,))
    except SystemExit as stop:
        return int(stop.code or 0)
    expected: tuple[type[Exception], ...] = (*errors, OSError, ImportError)
    try:
        require_same_checkout("datasets")
        return run(config) or 0
    except expected as error:
        logger.error("%s", _one_line(error))
        return 1
    except KeyboardInterrupt:
        logger.error("interrupted; the same command goes on where it stopped")
        return 130


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
