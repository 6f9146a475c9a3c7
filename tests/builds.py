"""Builds for tests, and what tests compare of them: the bytes of every file."""

import hashlib
from pathlib import Path

from datasets.build import main


def build(root: Path, out: Path, *options: str, source: str = "uav123") -> int:
    """Build a source into several small shards, and return the exit code."""
    given = ["--src", source, "--root", str(root), "--out", str(out), "--shard-mb", "0.4"]
    return main([*given, *options])


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by its name relative to it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
