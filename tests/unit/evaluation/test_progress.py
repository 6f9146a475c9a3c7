"""Tracking many sequences: the bar moves at every frame, in one process and in several."""

import re
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.onepass.track import count_frames_left as count_one_pass
from evaluation.onepass.track import track_into
from evaluation.vot.track import NUM_EQUAL, NUM_REPETITIONS, count_frames_left, repeat_supervised
from tests.support.terminal import in_terminal, read_screen
from tracking.baselines import StaticTracker
from tracking.interface import Prediction


class Counter:
    """Adds up what tracking reports."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, done: int, added: int = 0) -> None:
        self.calls.append((done, added))

    @property
    def total(self) -> tuple[int, int]:
        return sum(done for done, _ in self.calls), sum(added for _, added in self.calls)


class Restless:
    """Answers differently every time that it is started."""

    def __init__(self) -> None:
        self.num_starts = 0

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self.num_starts += 1
        self.box = box_xywh

    def update(self, image: np.ndarray) -> Prediction:
        grown = np.array([0, 0, self.num_starts / 100, 0])
        return Prediction(box_xywh=self.box + grown, score=1.0)


def test_every_frame_of_a_one_pass_sequence_is_reported(sample_world: Path, tmp_path: Path) -> None:
    benchmark = open_benchmark("otb100", str(sample_world / "OTB100"))
    sequence, counter = benchmark.sequences[0], Counter()
    assert count_one_pass(sequence, tmp_path) == len(sequence.frames)
    track_into(StaticTracker(), sequence, benchmark.files, tmp_path, report=counter)
    assert counter.calls == [(1, 0)] * len(sequence.frames)
    assert count_one_pass(sequence, tmp_path) == 0


@pytest.mark.parametrize(
    ("tracker", "num_runs"), [(StaticTracker, NUM_EQUAL), (Restless, NUM_REPETITIONS)]
)
def test_repetitions_that_turn_out_to_be_needed_are_added(
    tracker: type, num_runs: int, sample_world: Path, tmp_path: Path
) -> None:
    benchmark = open_benchmark("vot2018", str(sample_world / "vot2018"))
    sequence, counter = benchmark.sequences[0], Counter()
    length = len(sequence.frames)
    assert count_frames_left(sequence, tmp_path) == NUM_EQUAL * length
    repeat_supervised(tracker(), sequence, benchmark.files, tmp_path, report=counter)
    assert counter.total == (num_runs * length, (num_runs - NUM_EQUAL) * length)
    assert max(done for done, _ in counter.calls) == 1
    assert count_frames_left(sequence, tmp_path) == 0
    paths = sorted((tmp_path / "baseline" / sequence.name).iterdir())
    assert len(paths) == num_runs
    paths[-1].unlink()
    assert count_frames_left(sequence, tmp_path) == length


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bar_in_a_terminal_stands_between_two_sequences(
    workers: int, sample_world: Path, tmp_path: Path
) -> None:
    root = str(sample_world / "OTB100")
    lengths = [len(each.frames) for each in open_benchmark("otb100", root).sequences]
    total = sum(lengths)
    options = ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    command = ["-m", "evaluation.run", "--root", root, "--tracker", "mil", *options]
    shown = b""
    with in_terminal(*command, "--workers", str(workers)) as (process, screen):
        while chunk := read_screen(screen):
            shown += chunk
        assert process.wait() == 0
    counts = {int(count) for count in re.findall(rf"(\d+)/{total}".encode(), shown)}
    assert {0, total} <= counts
    assert counts - {0, *lengths, total}, shown
    assert re.search(rb"\d\d:\d\d<\d\d:\d\d, +[\d.]+frame/s", shown)
