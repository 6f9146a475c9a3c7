r"""Measure training: what loader and journal cost a step, and what the frozen trunk saves.

    python -m bench.train
    python -m bench.train --json --check
    python -m bench.train --manifest data/shards/vid/manifest.parquet --width 1 --batch-size 72 \
        --device cuda

For each stage, pairs/s of the bare step on a fixed batch in memory, and of the run's own loop with
loader and journal; rounds of both alternate, and medians count, so that a machine that slows down
slows both. Then what fine-tuning takes with the trunk frozen and with everything trained, and the
memory that the backward pass holds.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bench.crops import noise_crops
from bench.findings import BenchOptions, Row, Target, show
from commands.run import run_command
from manifests.schema import ManifestError
from model.config import ModelConfig
from model.device import choose_device
from sampling.batch import PairBatch
from trainer.config import DataConfig, TrainConfig, TrainingError
from trainer.distributed import Ranks
from trainer.learning.learner import Learner
from trainer.loop import train_epoch, train_step
from trainer.output.checkpoint import Progress
from trainer.output.journal import Journal
from trainer.output.metrics import METRICS, JsonLines, read_metrics
from trainer.output.sinks import Bar, Sink, TensorBoard
from trainer.preemption import StopRequest
from trainer.setup import Batches, make_learner, open_manifests

MAX_LOOP_COST = 0.05
"""Largest share of the bare step that loader and journal may add."""
MIN_FROZEN_GAIN = 2.0
"""How many times faster fine-tuning with the frozen trunk has to be than training everything."""

Stage = Literal["pretrain", "finetune"]
STAGES: Mapping[str, tuple[Stage, str]] = {
    "pre-training": ("pretrain", "siamfc"),
    "fine-tuning, trunk frozen": ("finetune", "car"),
    "fine-tuning, everything trained": ("pretrain", "car"),
}


@dataclass(frozen=True, kw_only=True)
class TrainBenchConfig(BenchOptions):
    """What to measure."""

    manifest: str = ""
    """Manifest to load from; empty makes crops of noise."""
    width: float = 0.125
    """Width of the network."""
    batch_size: int = 8
    """Pairs of a step."""
    steps: int = 8
    """Steps of a round."""
    rounds: int = 3
    """Rounds of each measurement."""
    workers: int = 1
    """Loader processes."""
    threads: int = 1
    """CPU threads of the network."""
    device: str = "auto"
    """auto, cpu or cuda."""


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """Medians over the rounds."""

    bare_s: float
    """One step on a batch in memory."""
    loop_s: float
    """One step of the run's loop."""
    data_wait: float
    """Share of the loop's time spent waiting for the loader."""
    held_mb: float
    """Tensors that one step's backward pass holds on to."""


def measure(config: TrainBenchConfig) -> int:
    """Measure each stage and print the figures."""
    torch.set_num_threads(config.threads)
    with tempfile.TemporaryDirectory() as scratch:
        manifest = config.manifest or noise_crops(Path(scratch) / "crops")
        results = {}
        for title, (stage, head) in STAGES.items():
            results[title] = _measure_stage(config, manifest, stage, head, Path(scratch))
    return _report(config, results)


def _measure_stage(
    config: TrainBenchConfig, manifest: str, stage: Stage, head: str, scratch: Path
) -> StageResult:
    training = TrainConfig(
        manifests=(manifest,),
        stage=stage,
        batch_size=config.batch_size,
        model=ModelConfig(width=config.width, head=head),
        data=DataConfig(
            pairs_per_epoch=(config.steps + 1) * config.batch_size, val_pairs=config.batch_size
        ),
        workers=config.workers,
    )
    ranks, device = Ranks(), choose_device(config.device)
    learner = make_learner(training, ranks, device)
    batches = Batches(training, open_manifests(training), ranks, device)
    folder = scratch / f"{stage}-{head}"
    try:
        fixed = next(iter(batches.validation()))
        held_mb = _held_by_backward(learner, fixed) / 1e6
        bare, loop = [], []
        for index in range(config.rounds):
            bare.append(_time_bare(learner, fixed, config.steps))
            fed = batches.epoch(index, first_step=0)
            loop.append(_time_loop(learner, fed, folder, config))
    finally:
        batches.close()
    waits = [record["data_wait"] for record in read_metrics(folder / METRICS)]
    return StageResult(
        bare_s=statistics.median(bare),
        loop_s=statistics.median(loop),
        data_wait=statistics.median(waits),
        held_mb=held_mb,
    )


def _time_bare(learner: Learner, batch: PairBatch, steps: int) -> float:
    """Return the seconds of a step on one batch; one more step goes before."""
    learner.network.train()
    train_step(learner, batch, rate=1e-4)
    start = _now(learner)
    for _ in range(steps):
        train_step(learner, batch, rate=1e-4)
    return (_now(learner) - start) / steps


def _time_loop(
    learner: Learner, batches: Iterable[PairBatch], folder: Path, config: TrainBenchConfig
) -> float:
    """Return the seconds of a step of the run's loop, the first one left out."""
    progress, moments = Progress(), []
    folder.mkdir(exist_ok=True)
    bar = Bar(progress, total_steps=config.steps + 1, batch_size=config.batch_size)
    sinks: list[Sink] = [JsonLines(folder, progress), bar, TensorBoard(folder, progress)]
    journal = Journal(folder, sinks, batch_size=config.batch_size, progress=progress)
    train_epoch(
        learner,
        batches,
        progress,
        rate_at=lambda step: 1e-4,
        journal=journal,
        stop=StopRequest(),
        after_step=lambda: moments.append(_now(learner)),
    )
    journal.close()
    return (moments[-1] - moments[0]) / config.steps


def _now(learner: Learner) -> float:
    if learner.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _held_by_backward(learner: Learner, batch: PairBatch) -> int:
    """Return the bytes of all tensors that the forward pass keeps for the backward pass."""
    held: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    moved = batch.to(learner.device)
    learner.network.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = learner.network(moved.template, moved.search)
    del outputs
    return sum(held.values())


def _report(config: TrainBenchConfig, results: dict[str, StageResult]) -> int:
    rows: list[Row] = [
        {
            "stage": title,
            "bare step, pairs/s": round(config.batch_size / result.bare_s, 1),
            "loop, pairs/s": round(config.batch_size / result.loop_s, 1),
            "data wait": round(result.data_wait, 4),
            "held for backward, MB": round(result.held_mb),
        }
        for title, result in results.items()
    ]
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
    return show(rows, targets, config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem or a missed target under --check."""
    errors = (ManifestError, TrainingError)
    return run_command(TrainBenchConfig, measure, argv, prog="python -m bench.train", errors=errors)


if __name__ == "__main__":
    sys.exit(main())
