"""SIGTERM, which clusters send some seconds before they take the machine away."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether this process was asked to save and stop."""

    def __init__(self) -> None:
        self.arrived = False


@contextmanager
def watch_for_stop() -> Iterator[StopRequest]:
    """Turn SIGTERM into a request that the loop looks at after each step."""
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        request.arrived = True

    previous = signal.signal(signal.SIGTERM, note)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, previous)
