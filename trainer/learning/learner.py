"""The state of a training or validation step."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from model.heads.base import Targets
from model.network import Network
from sampling.batch import PairBatch
from trainer.distributed import Ranks
from trainer.learning.average import WeightAverage


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A network with its optimizer, on this process among the others."""

    network: Network
    optimizer: torch.optim.Optimizer
    ranks: Ranks
    device: torch.device
    bf16: bool = False
    center_ratio: float = 1.0
    """Share of the target whose cells are positive, see `model.heads.base.Head.targets`."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0 leaves it as it is."""
    average: WeightAverage | None = None
    """The moving average of the weights, if one is kept."""

    def targets(self, batch: PairBatch) -> Targets:
        """Return the head's targets of a batch."""
        return self.network.head.targets(
            batch.boxes_xyxy, batch.positive, center_ratio=self.center_ratio
        )

    def autocast(self) -> torch.autocast:
        """Return the context in which the network computes."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def result(self) -> AbstractContextManager[None]:
        """Return the context in which the network has the weights that are validated and saved."""
        return self.average.in_use() if self.average is not None else nullcontext()
