"""What a training or validation step works on."""

from dataclasses import dataclass

import torch

from model.network import Network
from trainer.distributed import Ranks
from trainer.objectives import Objective


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A network with what it takes to train it, on this process among the others."""

    network: Network
    optimizer: torch.optim.Optimizer
    objective: Objective
    ranks: Ranks
    device: torch.device
    bf16: bool = False

    def autocast(self) -> torch.autocast:
        """Return the context in which the network computes."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)
