"""A Dask cluster of real processes."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.support import ROOT


class Cluster:
    """A scheduler and three workers, each a process, which log to ``log``."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._stack = stack
        self.log = folder / "cluster.log"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        self._start("dask_scheduler", *options)
        deadline = time.monotonic() + 60
        while not self._file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.workers = [self.start_worker() for _ in range(3)]
        self.address: str = json.loads(self._file.read_text())["address"]

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """Start one more worker."""
        return self._start("dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def _start(self, module: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}"]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*command, "--scheduler-file", str(self._file), *options],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process
