"""Measure training: the cost of loader and journal per step, and the saving of a frozen trunk.

    python -m bench.train
    python -m bench.train --json --check
    python -m bench.train --device cuda --compile True

For each stage, pairs/s of the bare step on a fixed batch in memory, its shares of the device's
limits, and pairs/s of the run's own loop with loader and journal; rounds of all alternate, and
medians count, so that a machine that slows down slows all. Then the time of fine-tuning with the
trunk frozen and with everything trained, and the memory that the backward pass holds. Narrow and of
8 pairs on the CPU, of full width and 72 pairs on a GPU.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bench.crops import noise_crops
from bench.findings import BenchOptions, Row, Target, show
from bench.train.stages import Stage, StageResult, measure_stage
from commands.run import run_command
from manifests.schema import ManifestError
from model.config import ModelConfig
from model.device import choose_device
from trainer.config import DataConfig, TrainConfig, TrainingError

MAX_LOOP_COST = 0.05
"""Largest share of the bare step that loader and journal may add."""
MIN_FROZEN_GAIN = 2.0
"""How many times faster fine-tuning with the frozen trunk has to be than training everything."""
MIN_GPU_PAIRS_S = {"pre-training": 2_000.0, "fine-tuning, trunk frozen": 3_500.0}
"""Pairs per second of the bare step on an H100 or H200, at full width and 72 pairs per step."""

STAGES: Mapping[str, tuple[Stage, str]] = {
    "pre-training": ("pretrain", "siamfc"),
    "fine-tuning, trunk frozen": ("finetune", "car"),
    "fine-tuning, everything trained": ("pretrain", "car"),
}


@dataclass(frozen=True, kw_only=True)
class TrainBenchConfig(BenchOptions):
    """What to measure."""

    manifest: str | None = None
    """Manifest to load from; by default crops of noise."""
    device: str = "auto"
    """auto, cpu or cuda."""
    width: float = 0.0
    """Width of the network; 0 is 1/8 on the CPU and 1 on a GPU."""
    batch_size: int = 0
    """Pairs of a step; 0 is 8 on the CPU and 72 on a GPU."""
    steps: int = 5
    """Steps of a round."""
    rounds: int = 3
    """Rounds of each measurement."""
    workers: int = 0
    """Loader processes; 0 is 1 on the CPU and one less than cores on a GPU."""
    threads: int = 1
    """CPU threads of the network."""
    compile: bool = False
    """Compile the networks, as long runs on a GPU do."""

    def on(self, device: torch.device) -> "TrainBenchConfig":
        """Return the options with the device's values in place of 0."""
        on_gpu = device.type == "cuda"
        return replace(
            self,
            width=self.width or (1.0 if on_gpu else 0.125),
            batch_size=self.batch_size or (72 if on_gpu else 8),
            workers=self.workers or (max((os.cpu_count() or 2) - 1, 1) if on_gpu else 1),
        )


def measure(config: TrainBenchConfig) -> int:
    """Measure each stage and print the figures."""
    torch.set_num_threads(config.threads)
    device = choose_device(config.device)
    config = config.on(device)
    with tempfile.TemporaryDirectory() as scratch:
        manifest = config.manifest or noise_crops(Path(scratch) / "crops")
        results = {}
        for title, (stage, head) in STAGES.items():
            folder = Path(scratch) / f"{stage}-{head}"
            folder.mkdir()
            training = _training(config, manifest, stage, head)
            results[title] = measure_stage(
                training, device, folder, steps=config.steps, rounds=config.rounds
            )
    return _report(config, results, device)


def _training(config: TrainBenchConfig, manifest: str, stage: Stage, head: str) -> TrainConfig:
    return TrainConfig(
        manifests=(manifest,),
        stage=stage,
        batch_size=config.batch_size,
        model=ModelConfig(width=config.width, head=head),
        data=DataConfig(
            pairs_per_epoch=(config.steps + 1) * config.batch_size, val_pairs=config.batch_size
        ),
        workers=config.workers,
        compile=config.compile,
    )


def _report(config: TrainBenchConfig, results: dict[str, StageResult], device: torch.device) -> int:
    rows: list[Row] = [
        {
            "stage": title,
            "bare step, pairs/s": round(config.batch_size / result.bare_s, 1),
            "share of matrix rate": round(result.matrix_share, 3),
            "share of memory rate": round(result.memory_share, 3),
            "loop, pairs/s": round(config.batch_size / result.loop_s, 1),
            "data wait": round(result.data_wait, 4),
            "held for backward, MB": round(result.held_mb),
        }
        for title, result in results.items()
    ]
    return show(rows, judge(config, results, device), config)


def judge(
    config: TrainBenchConfig, results: Mapping[str, StageResult], device: torch.device
) -> list[Target]:
    """Return the targets of every device, and on a GPU those of its pairs per second."""
    targets = [
        Target(
            name=f"{title}: the loop's cost",
            value=result.loop_s / result.bare_s - 1,
            unit="of the bare step",
            target=MAX_LOOP_COST,
            at_most=True,
        )
        for title, result in results.items()
    ]
    frozen, everything = (results[title] for title in list(STAGES)[1:])
    gain = everything.bare_s / frozen.bare_s
    less = frozen.held_mb / everything.held_mb
    targets += [
        Target(name="frozen trunk, times as fast", value=gain, unit="", target=MIN_FROZEN_GAIN),
        Target(name="frozen trunk, share of memory", value=less, unit="", target=1.0, at_most=True),
    ]
    if device.type == "cuda":
        targets += [
            Target(
                name=title,
                value=config.batch_size / results[title].bare_s,
                unit="pairs/s",
                target=bound,
            )
            for title, bound in MIN_GPU_PAIRS_S.items()
        ]
    return targets


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem or a missed target under --check."""
    errors = (ManifestError, TrainingError)
    return run_command(TrainBenchConfig, measure, argv, prog="python -m bench.train", errors=errors)


if __name__ == "__main__":
    sys.exit(main())
