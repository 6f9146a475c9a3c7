"""One stage of training, measured: the bare step, the run's loop, and the device's limits."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bench.rates import demand_of, rate_works, rates_of
from bench.timing import in_turns
from sampling.batch import PairBatch
from trainer.config import TrainConfig
from trainer.distributed import Ranks
from trainer.learning.learner import Learner
from trainer.loop import train_epoch, train_step
from trainer.output.checkpoint import Progress
from trainer.output.journal import Journal
from trainer.output.metrics import METRICS, JsonLines, read_metrics
from trainer.output.sinks import Bar, Sink, TensorBoard
from trainer.preemption import StopRequest
from trainer.setup import Batches, make_learner, open_manifests

Stage = Literal["pretrain", "finetune"]


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
    matrix_share: float
    """The bare step's share of the device's matrix rate."""
    memory_share: float
    """The same of its memory rate; above 1 where compiled operators skip memory."""


def measure_stage(
    training: TrainConfig, device: torch.device, folder: Path, *, steps: int, rounds: int
) -> StageResult:
    """Measure a stage; every round has bare steps, the run's loop, and the device's rates."""
    ranks = Ranks()
    batches = Batches(training, open_manifests(training), ranks, device)
    try:
        fixed = next(iter(batches.validation())).to(device)
        eager = make_learner(replace(training, compile=False), ranks, device)
        held_mb = _held_by_backward(eager, fixed) / 1e6
        demand = demand_of(partial(train_step, eager, fixed, rate=1e-4))
        learner = make_learner(training, ranks, device) if training.compile else eager
        train_step(learner, fixed, rate=1e-4)  # compiles
        bare, loop = [], []
        references: dict[str, list[float]] = {}
        for index in range(rounds):
            bare.append(_time_bare(learner, fixed, steps))
            fed = batches.epoch(index, first_step=0)
            loop.append(
                _time_loop(learner, fed, folder, batch_size=training.batch_size, steps=steps)
            )
            for name, times in in_turns(rate_works(device), rounds=1, device=device).items():
                references.setdefault(name, []).extend(times)
    finally:
        batches.close()
    waits = [record["data_wait"] for record in read_metrics(folder / METRICS)]
    bare_s, precision = statistics.median(bare), "bf16" if learner.bf16 else "float32"
    matrix_share, memory_share = rates_of(device, references).shares(demand, bare_s, precision)
    return StageResult(
        bare_s=bare_s,
        loop_s=statistics.median(loop),
        data_wait=statistics.median(waits),
        held_mb=held_mb,
        matrix_share=matrix_share,
        memory_share=memory_share,
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
    learner: Learner, batches: Iterable[PairBatch], folder: Path, *, batch_size: int, steps: int
) -> float:
    """Return the seconds of a step of the run's loop, the first one left out."""
    progress, moments = Progress(), []
    bar = Bar(progress, total_steps=steps + 1, batch_size=batch_size)
    sinks: list[Sink] = [JsonLines(folder, progress), bar, TensorBoard(folder, progress)]
    journal = Journal(folder, sinks, batch_size=batch_size, progress=progress)
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
    return (moments[-1] - moments[0]) / steps


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
