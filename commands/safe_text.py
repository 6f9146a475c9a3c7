"""Text of others in terminals, pages and files: no control characters, no credentials of URLs."""

import logging
import re
import sys
import traceback
import unicodedata
from types import TracebackType
from typing import IO, Any

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that move the cursor, turn the direction of text, or show nothing."""
_USER = re.compile(r"(?<=://)(?:[^\s/\"<>]+|[^\s/\"<>:]*:(?!:|\d+/)[^\s\"<>]*)@")
"""The second form: passwords may have slashes, as keys of S3 do; ports are followed by one."""
_QUERY = re.compile(r"(https?://[^\s?\"'<>]*\?)[^\s\"'<>]+")
_SECRET = "***"
_ODD = re.compile(r"[^ -~\n\t]")


def without_secrets(text: str) -> str:
    """Return a text in which URLs have neither user and password nor a query, such as a signature.

    Only web servers have queries: in a bucket ``?`` is part of a name.
    """
    if "://" not in text:
        return text
    return _QUERY.sub(rf"\1{_SECRET}", _USER.sub(f"{_SECRET}@", text))


def all_without_secrets(content: Any) -> Any:
    """Return plain values, as of JSON, in which no text has credentials of URLs."""
    if isinstance(content, str):
        return without_secrets(content)
    if isinstance(content, dict):
        return {key: all_without_secrets(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [all_without_secrets(value) for value in content]
    return content


def printable(text: str) -> str:
    """Return a text for a terminal or a page, without credentials.

    Hidden characters become escapes; line ends and tabs stay.
    """
    return _ODD.sub(_shown, without_secrets(text))


def printable_line(text: str) -> str:
    """Return a text as `printable` does, with escapes for line ends and tabs too."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def _shown(match: re.Match[str]) -> str:
    letter = match[0]
    is_hidden = unicodedata.category(letter) in _HIDDEN
    return letter.encode("unicode_escape").decode("ascii") if is_hidden else letter


class PrintableFormatter(logging.Formatter):
    """Formats log records with names of others in them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return printable(super().format(record))


def log_to_stderr(level: int) -> None:
    """Send the log records of this process from a level on to stderr, as printable text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def make_printable(record: logging.LogRecord) -> bool:
    """Make the message of a record printable; a filter for loggers of other libraries."""
    record.msg, record.args = printable(record.getMessage()), ()
    return True


def print_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print the traceback of a bug as printable text; takes the place of `sys.excepthook`."""
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace))))


class PrintableStream:
    """A text stream that writes printable text to another one.

    Args:
        stream: The other one, which answers all else.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        return self._stream.write(printable(text))

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the stream."""
        return getattr(self._stream, name)
