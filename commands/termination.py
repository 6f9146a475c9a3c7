"""SIGTERM and SIGHUP: removal of unfinished files before the process ends."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cleaned_at_termination() -> Iterator[None]:
    """Turn a signal that would end the process into an exception, so that ``finally`` blocks run.

    The exit code is 128 plus the signal's number, as in shells. Ignored signals (SIGHUP under
    nohup) and signals with a handler are left alone. For the main thread only.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for signal_number in taken:  # a second one must not interrupt the removing
            signal.signal(signal_number, signal.SIG_IGN)
        name = signal.Signals(number).name
        logger.error("ended by %s; unfinished files are removed", name)
        raise SystemExit(128 + number)

    taken = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for signal_number in taken:
        signal.signal(signal_number, end)
    try:
        yield
    finally:
        for signal_number in taken:
            signal.signal(signal_number, signal.SIG_DFL)
