"""SIGTERM and SIGHUP: an end that removes what is unfinished, where Python would just stop."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cleaned_at_termination() -> Iterator[None]:
    """Turn a signal that would end the process into an exception, which all ``finally`` see.

    The exit code is 128 plus the signal's number, as shells have it. A signal that is ignored, as
    SIGHUP under nohup, or that has a handler stays as it is. Only for a main thread.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for each in taken:  # a second one must not interrupt the removing
            signal.signal(each, signal.SIG_IGN)
        name = signal.Signals(number).name
        logger.error("ended by %s; unfinished files are removed", name)
        raise SystemExit(128 + number)

    taken = [each for each in _SIGNALS if signal.getsignal(each) is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
