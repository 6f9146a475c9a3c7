"""BatchNorm over all ranks computes what torch's computes in one process."""

import copy

import pytest
import torch
from torch import nn

from trainer.distributed import Ranks
from trainer.learning.batchnorm import GlobalBatchNorm2d, use_global_batchnorm


@pytest.mark.parametrize("training", [True, False])
def test_alone_it_equals_torchs_batchnorm(*, training: bool) -> None:
    torch.manual_seed(0)
    ours_input = torch.randn(4, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    theirs_input = ours_input.detach().clone().requires_grad_()
    theirs = nn.BatchNorm2d(3).double().train(training)
    nn.init.normal_(theirs.weight)
    ours = GlobalBatchNorm2d(copy.deepcopy(theirs), Ranks())
    weights = torch.randn(4, 3, 5, 6, dtype=torch.float64)
    for layer, x in ((ours, ours_input), (theirs, theirs_input)):
        (layer(x) * weights).sum().backward()
    assert ours.training is training
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[name])
    torch.testing.assert_close(ours_input.grad, theirs_input.grad)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


def test_a_network_alone_keeps_torchs_batchnorm() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3))
    use_global_batchnorm(network, Ranks())
    assert type(network[0]) is nn.BatchNorm2d
