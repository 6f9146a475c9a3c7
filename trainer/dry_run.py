"""A rehearsal at the start: memory and disk that do not suffice show before the first epoch."""

import copy

import numpy as np
import torch

from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.batch import PairBatch
from trainer.config import TrainConfig, TrainingError
from trainer.learning.learner import Learner
from trainer.loop import train_step
from trainer.output.run_folder import RunFolder
from trainer.preemption import StopRequest
from trainer.validation.figures import KnownPairs
from trainer.validation.validate import validate


def dry_run(learner: Learner, folder: RunFolder, config: TrainConfig) -> None:
    """Take one step of each phase at full batch, validate, and save; then undo all of it.

    Raises:
        TrainingError: The batch does not fit into memory, or the run's folder cannot be written.
    """
    network, optimizer = learner.network, learner.optimizer
    before = copy.deepcopy((network.state_dict(), optimizer.state_dict()))
    share = learner.ranks.share(config.batch_size)
    try:
        batch = make_noise(share, seed=config.seed)
        network.train()
        for _ in config.schedule.rates:  # at rate 0: noise must not move the weights
            train_step(learner, batch, rate=0.0)
        validate(learner, [batch], _noise_pairs(share), stop=StopRequest())
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        raise TrainingError(
            f"--batch-size {config.batch_size}: a step on {share} pairs does not fit into the "
            f"memory of {learner.device}. Take fewer, more processes, or --precision bf16"
        ) from error
    folder.try_writing()
    network.load_state_dict(before[0])
    optimizer.load_state_dict(before[1])
    optimizer.zero_grad()


def _is_out_of_memory(error: RuntimeError) -> bool:
    on_cpu = "can't allocate memory" in str(error)  # there torch has no class of its own for it
    return on_cpu or isinstance(error, torch.OutOfMemoryError)


def _noise_pairs(num_pairs: int) -> KnownPairs:
    return KnownPairs(
        sources=np.full(num_pairs, "noise"),
        is_video=np.zeros(num_pairs, bool),
        constant_size=(64.0, 64.0),
    )


def make_noise(num_pairs: int, *, seed: int) -> PairBatch:
    """Return pairs of noise with the target in the middle."""
    generator = torch.Generator().manual_seed(seed)

    def noise(size: int) -> torch.Tensor:
        shape = (num_pairs, size, size, 3)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

    middle = torch.tensor([95.5, 95.5, 159.5, 159.5])
    return PairBatch(
        template=noise(TEMPLATE_SIZE),
        search=noise(SEARCH_SIZE),
        boxes_xyxy=middle.repeat(num_pairs, 1),
        positive=torch.ones(num_pairs, dtype=torch.bool),
        pair_index=torch.arange(num_pairs),
        name_pair=lambda pair: f"dry run, pair {pair}",
    )
