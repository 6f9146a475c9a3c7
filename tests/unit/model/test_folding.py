"""A frozen trunk trains with its BatchNorm folded into the convolutions, and computes the same."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from model.config import PRESETS
from model.network import Network, build_model


def _finetuned() -> Network:
    torch.manual_seed(0)
    network = build_model(replace(PRESETS["aligned"], head="car", width=1 / 8))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            assert module.running_mean is not None
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
    network.freeze("finetune")
    return network


def _maps(network: Network, *, folded: bool) -> tuple[Tensor, ...]:
    """Return the template's features and the search map, with or without folding."""
    generator = torch.Generator().manual_seed(0)
    z = torch.rand(1, 3, 127, 127, generator=generator)
    x = torch.rand(1, 3, 255, 255, generator=generator)
    backbone = network.backbone.eval()
    backbone.training = folded  # all layers stay in evaluation mode, or the tail would differ
    with torch.no_grad():
        features = backbone.template(z)
        return (*features, backbone.search(x, features))


def _assert_same(network: Network) -> None:
    folded, plain = _maps(network, folded=True), _maps(network, folded=False)
    for ours, theirs in zip(folded, plain, strict=True):
        assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    assert not all(ours.equal(theirs) for ours, theirs in zip(folded, plain, strict=True))


def test_folded_trunk_computes_the_same_to_rounding() -> None:
    _assert_same(_finetuned())


def test_folding_leaves_the_weights_and_their_names_alone() -> None:
    network = _finetuned()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    _maps(network, folded=True)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(value.equal(before[name]) for name, value in after.items())


def test_changed_weights_are_folded_again() -> None:
    network = _finetuned()
    _assert_same(network)
    with torch.no_grad():
        next(network.trunk_parameters()).mul_(1.5)
    _assert_same(network)
    network.load_state_dict(build_model(network.config).state_dict())
    _assert_same(network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _assert_same(network)
