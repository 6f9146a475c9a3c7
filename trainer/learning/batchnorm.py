"""BatchNorm over the global batch.

In train mode BatchNorm normalises by the statistics of the pairs it sees: each rank's own, unless
they are added up. Then any number of processes gives the result of a single process, to
rounding. `torch.nn.SyncBatchNorm` does this on GPUs only.
"""

import torch
from torch import Tensor, nn

from trainer.distributed import Ranks


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose statistics in train mode are those of all ranks' pairs together.

    Args:
        like: The layer to replace; its parameters, buffers and mode are shared.
        ranks: The processes to add up over.
    """

    def __init__(self, like: nn.BatchNorm2d, ranks: Ranks) -> None:
        super().__init__(
            like.num_features, eps=like.eps, momentum=like.momentum, affine=like.affine
        )
        self.weight, self.bias = like.weight, like.bias
        self.running_mean, self.running_var = like.running_mean, like.running_var
        self.num_batches_tracked = like.num_batches_tracked
        self._ranks = ranks
        self.train(like.training)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised maps, (B, C, H, W) as given."""
        if not self.training:
            return super().forward(x)
        wide = x if x.dtype == torch.float64 else x.float()
        count = wide.new_tensor([wide.shape[0] * wide.shape[2] * wide.shape[3]])
        sums = _sum_over_ranks(torch.cat([wide.sum(dim=(0, 2, 3)), count]), self._ranks)
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centred = wide - mean[:, None, None]
        # Two passes: the mean of squares minus the squared mean loses digits in float32.
        var = _sum_over_ranks(centred.square().sum(dim=(0, 2, 3)), self._ranks) / total
        self._update_running(mean.detach(), var.detach() * total / (total - 1))
        scale = self.weight * torch.rsqrt(var + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _update_running(self, mean: Tensor, var: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(var, momentum)
        self.num_batches_tracked.add_(1)


def use_global_batchnorm(network: nn.Module, ranks: Ranks) -> None:
    """Replace each BatchNorm2d of a network by one over all ranks; alone, change nothing."""
    if ranks.size == 1:
        return
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, GlobalBatchNorm2d(child, ranks))


class _SumOverRanks(torch.autograd.Function):
    """Sum of a tensor over the ranks; the gradient is summed over the ranks as well."""

    @staticmethod
    def forward(ctx, x: Tensor, ranks: Ranks) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.ranks = ranks
        return ranks.sum(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        return ctx.ranks.sum(gradient), None


def _sum_over_ranks(x: Tensor, ranks: Ranks) -> Tensor:
    return _SumOverRanks.apply(x, ranks)  # type: ignore[no-any-return, no-untyped-call]
