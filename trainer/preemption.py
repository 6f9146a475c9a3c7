"""Requests to stop: of a cluster (SIGTERM), a keyboard (Ctrl-C), a lost terminal (SIGHUP).

A run saves before it follows one. The second Ctrl-C is an order: it stops at once.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

_NOTE = b"\nCtrl-C: saves and stops; press it again to stop at once, without saving\n"


class StopRequest:
    """A request to save and stop."""

    def __init__(self) -> None:
        self.arrived = False
        self.by_ctrl_c = False
        """Whether it was by Ctrl-C, which has an exit code of its own."""

    @contextmanager
    def taking_ctrl_c(self, *, tell: bool) -> Iterator[None]:
        """Turn the first Ctrl-C of the block into a request; the second is a KeyboardInterrupt.

        Args:
            tell: Whether to print a note on the terminal.
        """

        def note(number: int, frame: FrameType | None) -> None:
            self.arrived = self.by_ctrl_c = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if tell:
                with suppress(OSError, ValueError):
                    # not through the stream: it may be in the middle of a write
                    os.write(sys.stderr.fileno(), _NOTE)

        with handling([signal.SIGINT], note):
            yield


@contextmanager
def watch_for_stop() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGHUP into a request that the loop checks after each step."""
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        request.arrived = True

    with handling([signal.SIGTERM, signal.SIGHUP], note):
        yield request


@contextmanager
def handling(
    numbers: Sequence[signal.Signals], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Handle signals for the duration of the block, but for those that are ignored (nohup)."""
    before = {number: signal.getsignal(number) for number in numbers}
    handled = [number for number in numbers if before[number] != signal.SIG_IGN]
    for number in handled:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
