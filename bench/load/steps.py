"""A long run of a tiny network: memory, open files and time per step stay as they are."""

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.findings import Row, Target
from bench.load.processes import ROOT, Sample, sample
from tests.support.crops import MadeTrack, write_crops

_PAUSE_S = 0.5
_MOST_GROWTH_MB = 30.0
_MOST_DRIFT = 1.1


def measure_steps(folder: Path, *, steps: int) -> tuple[list[Row], list[Target]]:
    """Return the figures of a run; the first quarter, which fills caches, is not compared."""
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(8)) for i in range(16)]
    tracks += [MadeTrack(name="held", video="held", frames=range(8), split="val")]
    manifest = write_crops(folder / "crops", tracks)
    options = [
        *("--recipe", "siamfc", "--model.width", "0.02", "--batch-size", "2", "--threads", "1"),
        *("--schedule.epochs", "4", "--data.pairs-per-epoch", str(max(1, steps // 4) * 2)),
        *("--data.val-pairs", "8", "--workers", "0", "--tensorboard", "False", "--device", "cpu"),
        *("--checkpoint-steps", "100", "--manifests", manifest, "--out", str(folder / "run")),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "trainer.run", *options],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    ) as process:
        samples: list[tuple[int, Sample]] = []
        while process.poll() is None:
            now, done = sample(process.pid), _num_steps(folder / "run")
            if now is not None and now.memory_mb and done:
                samples.append((done, now))
            time.sleep(_PAUSE_S)
    if process.returncode or len(samples) < 8:
        raise RuntimeError(f"trainer.run: exit code {process.returncode}, {len(samples)} samples")
    return _figures(samples, _num_steps(folder / "run"))


def _num_steps(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b'"step", ') if path.exists() else 0


def _figures(samples: list[tuple[int, Sample]], steps: int) -> tuple[list[Row], list[Target]]:
    quarters: list[list[tuple[int, Sample]]] = [[], [], [], []]
    for done, now in samples:
        quarters[min(3, 4 * done // (steps + 1))].append((done, now))
    second, last = quarters[1] or quarters[0], quarters[3]
    growth_mb = median(s.memory_mb for _, s in last) - median(s.memory_mb for _, s in second)
    handles = max(s.open_files for _, s in last) - max(s.open_files for _, s in second)
    drift = _seconds_per_step(last) / _seconds_per_step(second)
    row: Row = {
        **{"steps": steps, "ms_per_step": 1000 * _seconds_per_step(last), "drift": drift},
        **{"memory_mb": last[-1][1].memory_mb, "growth_mb": growth_mb},
        **{"open_files": last[-1][1].open_files, "more_open_files": handles},
    }
    bounds = (
        ("growth of memory", growth_mb, "MB", _MOST_GROWTH_MB),
        ("more open files", float(handles), "", 0.0),
        ("time per step, last quarter over second", drift, "", _MOST_DRIFT),
    )
    return [row], [
        Target(name=name, value=value, unit=unit, target=most, at_most=True)
        for name, value, unit, most in bounds
    ]


def _seconds_per_step(samples: list[tuple[int, Sample]]) -> float:
    """Return the processor's seconds per step, the median over the times between samples.

    Some of them hold a validation or a checkpoint.
    """
    return median(
        (after.processor_s - before.processor_s) / (last - first)
        for (first, before), (last, after) in pairwise(samples)
        if last > first
    )
