"""A long run of a tiny network: memory, open files and time per step stay as they are."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.findings import Row, Target
from bench.load.processes import ROOT, Sample, sample
from tests.support.crops import MadeTrack, write_crops

_TENTHS, _SETTLED = 10, 3
"""Tenths of a run, and the first one after a validation, which fills caches and opens files."""
_PAUSE_S, _SAMPLES_APART = 0.1, 20
_MOST_GROWTH_MB = 30.0
_MOST_DRIFT = 1.1


def measure_steps(folder: Path, *, steps: int) -> tuple[list[Row], list[Target]]:
    """Return the figures of each tenth of a run; the last is compared with the fourth."""
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(8)) for i in range(16)]
    tracks += [MadeTrack(name="held", video="held", frames=range(8), split="val")]
    manifest = write_crops(folder / "crops", tracks)
    options = [
        *("--recipe", "siamfc", "--model.width", "0.02", "--batch-size", "1", "--threads", "1"),
        *("--schedule.epochs", "4", "--data.pairs-per-epoch", str(steps // 4)),
        *("--augment.enabled", "False", "--data.val-pairs", "8", "--workers", "0"),
        *("--tensorboard", "False", "--device", "cpu"),
        *("--checkpoint-steps", "100", "--manifests", manifest, "--out", str(folder / "run")),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "trainer.run", *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    ) as process:
        samples: list[tuple[int, Sample]] = []
        done = _Done(folder / "run/metrics.jsonl")
        while process.poll() is None:
            now = sample(process.pid)
            if now is not None and now.memory_mb and done.count():
                samples.append((done.steps, now))
            time.sleep(_PAUSE_S)
    if process.returncode:
        raise RuntimeError(f"trainer.run: exit code {process.returncode}")
    return _figures(samples, done.count())


class _Done:
    """The number of steps that a run has noted."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self.steps = path, 0, 0

    def count(self) -> int:
        """Read the new lines and return the number so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
            new = new[: new.rfind(b"\n") + 1]
            self._offset += len(new)
            self.steps += new.count(b'"step", ')
        return self.steps


def _figures(samples: list[tuple[int, Sample]], steps: int) -> tuple[list[Row], list[Target]]:
    tenths: list[list[tuple[int, Sample]]] = [[] for _ in range(_TENTHS)]
    for done, now in samples:
        tenths[min(_TENTHS - 1, _TENTHS * done // (steps + 1))].append((done, now))
    rows: list[Row] = [
        {
            "steps_until": steps * (number + 1) // _TENTHS,
            "ms_per_step": 1000 * _seconds_per_step(tenth),
            "memory_mb": median(now.memory_mb for _, now in tenth),
            "open_files": median(now.open_files for _, now in tenth),
        }
        for number, tenth in enumerate(tenths)
    ]
    settled, last = rows[_SETTLED], rows[-1]
    bounds = (
        ("growth of memory", "memory_mb", "MB", _MOST_GROWTH_MB),
        ("more open files", "open_files", "", 0.0),
    )
    targets = [
        Target(
            name=f"{name}, last tenth less the fourth",
            value=float(last[key]) - float(settled[key]),
            unit=unit,
            target=most,
            at_most=True,
        )
        for name, key, unit, most in bounds
    ]
    drift = float(last["ms_per_step"]) / float(settled["ms_per_step"])
    name = "time per step, last tenth over the fourth"
    return rows, [
        *targets,
        Target(name=name, value=drift, unit="", target=_MOST_DRIFT, at_most=True),
    ]


def _seconds_per_step(samples: list[tuple[int, Sample]]) -> float:
    """Return the processor's seconds per step, the median over the times between samples.

    Some of them hold a validation or a checkpoint. The clock ticks in hundredths of a second.
    """
    step = min(_SAMPLES_APART, len(samples) - 1)
    return median(
        (after.processor_s - before.processor_s) / (last - first)
        for (first, before), (last, after) in zip(samples, samples[step:], strict=False)
        if last > first
    )
