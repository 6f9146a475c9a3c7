"""Time and memory of other processes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.run import logger

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a process has used."""

    processor_s: float
    """Seconds of all its threads: what other programs do on the machine does not count."""
    peak_mb: float


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A process at one moment."""

    processor_s: float
    memory_mb: float
    open_files: int


def run_measured(command: Sequence[str]) -> Used:
    """Run ``python`` with arguments to its end.

    Raises:
        RuntimeError: Its exit code is not 0.
    """
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        logger.error("%s: exit code %d", " ".join(command), process.returncode)
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    return Used(
        processor_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    )


def sample(pid: int) -> Sample | None:
    """Return the current resources of a process; None if it has ended. Linux only."""
    folder = Path(f"/proc/{pid}")
    try:
        times = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
        open_files = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return Sample(
        processor_s=(int(times[11]) + int(times[12])) / ticks,
        memory_mb=pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20),
        open_files=open_files,
    )
