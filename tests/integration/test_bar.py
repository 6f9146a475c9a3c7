"""The bar of a build with workers: it moves inside a shard, and goes on where a build stopped.

Two frames are named pipes: the workers that come to them stand there until they are fed.
"""

import os
import re
import time
from pathlib import Path

import pytest

from tests.support.builds import make_jpeg, make_video
from tests.support.launch import children
from tests.support.terminal import in_terminal, read_screen

NUM_FRAMES = 40
PIPES = {23: 3, 36: 6}
"""Frames that are pipes, and how many of their shard's ten come before them."""
BEFORE = 20
"""Frames of the two shards without a pipe."""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return a VID video of four shards, of which the last two cannot be finished."""
    root = make_video(tmp_path / "raw", [make_jpeg()] * NUM_FRAMES)
    for number in PIPES:
        pipe_of(root, number).unlink()
        os.mkfifo(pipe_of(root, number))
    return root


def pipe_of(raw: Path, number: int) -> Path:
    return raw / f"Data/VID/val/ILSVRC2015_val_00000000/{number:06d}.JPEG"


def counts_until(screen: int, last: int) -> list[int]:
    """Return the counts that the bar shows, up to the given one."""
    shown = b""
    while True:
        counts = [int(count) for count in re.findall(rf"(\d+)/{NUM_FRAMES}".encode(), shown)]
        if last in counts:
            return counts
        chunk = read_screen(screen)
        assert chunk, shown
        shown += chunk


def test_the_bar_of_workers_moves_inside_shards_and_goes_on_where_a_build_stopped(
    raw: Path, tmp_path: Path
) -> None:
    command = ["-m", "datasets.build", "--src", "vid", "--root", str(raw), "--workers", "2"]
    command += ["--out", str(tmp_path / "out"), "--shard-mb", "0.22"]
    standing = BEFORE + sum(PIPES.values())
    with in_terminal(*command) as (process, screen):
        counts = counts_until(screen, standing)
        workers = children(process.pid)
    assert counts[0] == 0
    assert counts == sorted(counts)
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        time.sleep(0.02)

    with in_terminal(*command) as (process, screen):
        counts = counts_until(screen, standing)
        assert counts[0] == BEFORE
        assert counts == sorted(counts)
        for number in PIPES:
            pipe_of(raw, number).write_bytes(make_jpeg())
        assert NUM_FRAMES in counts_until(screen, NUM_FRAMES)
        while read_screen(screen):
            pass
        assert process.wait() == 0
