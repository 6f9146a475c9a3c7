"""Servers as processes of their own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import ROOT


@contextmanager
def process(*command: str, speaks: bool = True) -> Iterator[str]:
    """Run a server as a process of its own and yield the first line that it prints, if it does."""
    with subprocess.Popen(
        [sys.executable, "-u", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip() if speaks else ""
        finally:
            server.kill()
