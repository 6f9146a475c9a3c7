"""The optimizer of a run, and the clipping of its gradients."""

from collections.abc import Iterable

import torch
from torch import nn

from model.network import Network
from trainer.config import TrainConfig

RATE_FACTOR = "rate_factor"
"""Key of a parameter group: factor on the schedule's rate."""


def make_optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    """Return the optimizer of the parameters that the stage trains.

    SGD decays every parameter, as the paper's does. AdamW decays matrices and filters only:
    parameters of one dimension (biases, BatchNorm's scales) and scalars have no direction that
    decay could keep short, and decaying them only fights the loss.
    """
    schedule = config.schedule
    groups = [
        {"params": parameters, "weight_decay": weight_decay, RATE_FACTOR: factor}
        for trained, factor in _by_rate(network, config)
        for parameters, weight_decay in _by_decay(trained, config)
        if parameters
    ]
    rate = schedule.rates[0]
    # One kernel in place of one per parameter and operation; on the CPU the bits stay as they were.
    fused = True if next(network.parameters()).is_cuda else None
    if config.optimizer == "adamw":
        betas = (schedule.momentum, 0.999)
        return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=fused)
    return torch.optim.SGD(groups, lr=rate, momentum=schedule.momentum, fused=fused)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each parameter group its share of the schedule's rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group[RATE_FACTOR]


def clip_gradients(parameters: Iterable[nn.Parameter], *, norm: float, limit: float) -> None:
    """Scale the gradients down to a norm of ``limit``, in place; 0 and shorter ones change nothing.

    Args:
        parameters: With the gradient of the global batch, so that all ranks scale alike.
        norm: The norm of all their gradients together.
        limit: The largest norm to leave.
    """
    if not 0 < limit < norm:
        return
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(limit / norm)


def _by_rate(network: Network, config: TrainConfig) -> list[tuple[list[nn.Parameter], float]]:
    """Return the trained parameters in groups of one rate, with the factor of each."""
    if not config.trunk_rate:
        return [(list(network.trainable_parameters()), 1.0)]
    trunk = set(network.trunk_parameters())
    rest = [parameter for parameter in network.trainable_parameters() if parameter not in trunk]
    return [(rest, 1.0), (list(network.trunk_parameters()), config.trunk_rate)]


def _by_decay(
    parameters: list[nn.Parameter], config: TrainConfig
) -> list[tuple[list[nn.Parameter], float]]:
    """Return parameters in groups of one weight decay, with the decay of each."""
    decay = config.schedule.weight_decay
    if config.optimizer == "sgd":
        return [(parameters, decay)]
    decayed = [parameter for parameter in parameters if parameter.ndim > 1]
    return [(decayed, decay), ([parameter for parameter in parameters if parameter.ndim <= 1], 0.0)]
