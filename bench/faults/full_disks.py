"""Disks that are full at a random size: one line, nothing half-written, and the command goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.faults.calling import Called, call, describe_bug
from bench.faults.family import Outcome, Trials
from bench.faults.world import World, digests, leftovers

_FULL = 50
"""Sizes per command."""
_PAGE = 4096
_ENOUGH = 1 << 30


def full_disks(trials: Trials) -> Iterator[Outcome]:
    """Yield a row per command; mounting disks of limited size takes root."""
    rows = "one line; nothing half-written; then the same bytes with more room"
    if os.geteuid() != 0 or not _can_mount(trials.folder / "trial"):
        yield Outcome(name="full disks", compared=rows, skipped="only root can mount a tmpfs")
        return
    world = World(trials.folder)
    disk = trials.folder / "disk"
    for name, command in world.writers(disk / "out").items():
        if not trials.wants(name):
            continue
        outcome = Outcome(name=f"full disks: {name}", compared=rows)
        with outcome.timed():
            with _Disk(disk, _ENOUGH):
                call(command[0], command[1:])
                whole, used = digests(disk / "out"), _used(disk)
            rng = trials.rng(f"disk {name}")
            for _ in range(trials.count(_FULL)):
                size = _PAGE * rng.randrange(2, max(3, used // _PAGE))
                with _Disk(disk, size) as mounted:
                    problem = _problem(call(command[0], command[1:]), disk, whole)
                    mounted.resize(_ENOUGH)
                    again = call(command[0], command[1:])
                    if not problem and (again.code != 0 or digests(disk / "out") != whole):
                        problem = f"with more room: {again.code} {again.errors}"
                outcome.check(is_right=not problem, note=f"{size} of {used} bytes: {problem}")
        yield outcome


def _problem(done: Called, disk: Path, whole: dict[str, str]) -> str:
    if done.bug is not None:
        return describe_bug(done.bug)[1]
    if done.code == 0:
        return "" if digests(disk / "out") == whole else "exit code 0 without all files"
    if done.code != 1 or len(done.errors) != 1 or "\n" in done.errors[0]:
        return f"exit code {done.code}, errors {done.errors}"
    if str(disk) not in done.errors[0]:
        return f"does not name the file: {done.errors[0]}"
    return f"half-written: {leftovers(disk)}" if leftovers(disk) else ""


def _used(folder: Path) -> int:
    sizes = (path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return sum(-(-size // _PAGE) * _PAGE for size in sizes)


class _Disk:
    """A tmpfs of a size, mounted on a folder for the length of a block."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size

    def __enter__(self) -> "_Disk":
        self._folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size}"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "faults", str(self._folder)],
            check=True,
            capture_output=True,
        )
        return self

    def resize(self, size: int) -> None:
        """Change the size."""
        options = f"remount,size={size}"
        subprocess.run(["mount", "-o", options, str(self._folder)], check=True, capture_output=True)

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", "-l", str(self._folder)], check=True, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def _can_mount(folder: Path) -> bool:
    try:
        with _Disk(folder, _PAGE):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
