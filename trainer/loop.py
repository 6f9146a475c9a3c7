"""Training, from a batch to the weights. Read `train_step`, then `train_epoch`, then `train`."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import nn

from model.heads.base import count_cells
from sampling.batch import PairBatch
from trainer.config import TrainConfig, TrainingError
from trainer.learning.learner import Learner
from trainer.learning.optimizer import clip_gradients, set_rate
from trainer.output.checkpoint import Progress
from trainer.output.journal import Journal
from trainer.preemption import StopRequest
from trainer.schedule import learning_rate, num_epochs
from trainer.setup import Batches
from trainer.validation.selection import choose, default_selection
from trainer.validation.validate import validate

logger = logging.getLogger(__name__)

MAX_DATA_WAIT = 0.05
"""Share of an epoch spent waiting for the loader above which the log has advice."""


def train_step(learner: Learner, batch: PairBatch, *, rate: float) -> dict[str, float]:
    """Update the weights with one batch.

    Every rank has a slice of the global batch. Loss and gradient are those of the global batch: the
    ranks divide by the cells of all of them, and add up.

    Returns:
        The parts of the global loss and the norm of its gradient before clipping.

    Raises:
        TrainingError: The loss or its gradient is not finite; the weights are as they were.
    """
    network, optimizer, ranks = learner.network, learner.optimizer, learner.ranks
    parameters = list(network.trainable_parameters())
    batch = batch.to(learner.device)
    targets = learner.targets(batch)
    counts = ranks.sum(count_cells(targets.positive))
    with learner.autocast():
        outputs = network(batch.template, batch.search)
    losses = network.head.loss(outputs, targets, counts=counts)

    optimizer.zero_grad()
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    ranks.sum_gradients(parameters)
    norm = nn.utils.get_total_norm(p.grad for p in parameters if p.grad is not None)
    own = torch.stack([part.detach() for part in losses.values()])
    *parts, gradient_norm = torch.cat([ranks.sum(own), norm[None]]).tolist()
    values = dict(zip(losses, parts, strict=True)) | {"gradient_norm": gradient_norm}
    if not all(map(math.isfinite, values.values())):
        raise _not_finite(values, dict(zip(losses, own.tolist(), strict=True)), batch)

    clip_gradients(parameters, norm=gradient_norm, limit=learner.clip_norm)
    set_rate(optimizer, rate)
    optimizer.step()
    return values


def train_epoch(
    learner: Learner,
    batches: Iterable[PairBatch],
    progress: Progress,
    *,
    rate_at: Callable[[int], float],
    journal: Journal,
    stop: StopRequest,
    after_step: Callable[[], None],
) -> bool:
    """Train on the batches; return False if asked to stop before their end."""
    learner.network.train()
    clock = WaitClock()
    for batch in clock.watch(batches):
        if learner.ranks.any(flag=stop.arrived):
            return False
        rate = rate_at(progress.step)
        try:
            values = train_step(learner, batch, rate=rate)
        except TrainingError as error:
            raise TrainingError(f"step {progress.step}: {error}") from None
        progress.step += 1
        if learner.average is not None:
            learner.average.update(progress.step)
        journal.write_step(progress, values, rate=rate, data_wait=clock.share)
        after_step()
    if clock.share > MAX_DATA_WAIT:
        logger.warning(
            "rank %d waited %.0f%% of epoch %d for the loader; raise --workers, or put the shards "
            "on a faster disk",
            learner.ranks.rank,
            100 * clock.share,
            progress.epochs_done,
        )
    return not learner.ranks.any(flag=stop.arrived)


def train(
    learner: Learner,
    batches: Batches,
    progress: Progress,
    *,
    config: TrainConfig,
    journal: Journal,
    stop: StopRequest,
    save: Callable[[bool], None],
) -> bool:
    """Train and validate epoch by epoch from where the progress is; return False if stopped.

    Args:
        learner: Network, optimizer and the processes.
        batches: Training and validation batches.
        progress: Start; kept up to date.
        config: Schedule and checkpoint settings.
        journal: Gets each step and each validation.
        stop: Checked after every step.
        save: Writes a checkpoint; gets whether the weights are the best so far.
    """

    def rate_at(step: int) -> float:
        return learning_rate(step, config.schedule, steps_per_epoch=batches.steps_per_epoch)

    def after_step() -> None:
        if config.checkpoint_steps and progress.step % config.checkpoint_steps == 0:
            save(False)

    is_auto = config.select == "auto"
    select = default_selection(learner.network.head) if is_auto else config.select
    for epoch in range(progress.epochs_done, num_epochs(config.schedule)):
        first_step = progress.step - epoch * batches.steps_per_epoch
        finished = train_epoch(
            learner,
            batches.epoch(epoch, first_step=first_step),
            progress,
            rate_at=rate_at,
            journal=journal,
            stop=stop,
            after_step=after_step,
        )
        report = None
        if finished:
            with learner.result():
                report = validate(learner, batches.validation(), batches.known, stop=stop)
        if report is None:
            save(False)
            return False
        if not math.isfinite(report.loss):
            raise TrainingError(
                f"step {progress.step}: the validation loss is {report.loss}, so the weights are "
                "not saved. The same command goes on from the last checkpoint"
            )
        progress.epochs_done += 1
        choice = choose(select, report.loss, report.figures, best_value=progress.best_value)
        progress.best_value = max(progress.best_value, choice.value)
        journal.write_validation(progress, report, choice)
        save(choice.is_best)
    return True


class WaitClock:
    """Measures the share of time that a loop waits for its next item."""

    def __init__(self) -> None:
        self._waited_s = 0.0
        self._started = time.perf_counter()

    @property
    def share(self) -> float:
        """Share of the time since the first item was there; that one starts the loader."""
        return self._waited_s / max(time.perf_counter() - self._started, 1e-9)

    def watch(self, items: Iterable[PairBatch]) -> Iterator[PairBatch]:
        """Yield the items."""
        iterator = iter(items)
        first = next(iterator, None)
        self._started = time.perf_counter()
        while first is not None:
            yield first
            asked = time.perf_counter()
            first = next(iterator, None)
            self._waited_s += time.perf_counter() - asked


def _not_finite(values: dict[str, float], own: dict[str, float], batch: PairBatch) -> TrainingError:
    parts = ", ".join(f"{name} {value:g}" for name, value in values.items())
    ours = ", ".join(f"{name} {value:g}" for name, value in own.items())
    return TrainingError(
        f"not finite: {parts} (this rank's part: {ours}) on the pairs {batch.keys()}. The weights "
        "are as before the step; try a lower --schedule.rates or --schedule.warmup-steps, or look "
        "at these pairs"
    )
