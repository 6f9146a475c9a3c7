"""Commands in a terminal, for tests of what a person sees while they run."""

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import ROOT


@contextmanager
def in_terminal(*arguments: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run ``python`` with arguments; yield the process and the screen that shows its stderr."""
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=terminal
    )
    os.close(terminal)
    try:
        yield process, screen
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def read_screen(screen: int, *, seconds: float = 60) -> bytes:
    """Return what has appeared since the last call, or nothing if the command has ended."""
    assert select.select([screen], [], [], seconds)[0], f"nothing appeared for {seconds} s"
    try:
        return os.read(screen, 4096)
    except OSError:  # what Linux answers once the other side is closed
        return b""
