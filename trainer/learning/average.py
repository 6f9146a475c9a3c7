"""The moving average of a run's weights: smoother than the last step's, for one copy in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a network's parameters and BatchNorm statistics.

    It is the same on every rank, as the weights are, and a pure function of the weights of the
    steps so far, so resuming restores its tensors and nothing else.

    Args:
        network: Averaged; the average starts from its weights.
        decay: Share of the average that a step keeps, below 1. The first steps keep less, (1 + n) /
            (10 + n) after n steps, so that the random start is forgotten soon.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network = network
        self._decay = decay
        self.tensors = {name: value.clone() for name, value in network.state_dict().items()}
        """The average by the names of the network's state."""

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after a step to the average; ``step`` counts the updates made."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, value in self._network.state_dict().items():
            average = self.tensors[name]
            if value.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:  # BatchNorm's count of batches
                average.copy_(value)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the tensors of a checkpoint."""
        _copy(tensors, self.tensors)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Put the average into the network, and the network's own weights back afterwards."""
        weights = self._network.state_dict()
        own = {name: value.clone() for name, value in weights.items()}
        _copy(self.tensors, weights)
        try:
            yield
        finally:
            _copy(own, weights)


@torch.no_grad()
def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, value in target.items():
        value.copy_(source[name])
