"""What a network is made of: parts, shapes, parameters, multiply-accumulates.

    python -m model.summary
    python -m model.summary --preset aligned --head siamfc --width 0.125

A correlation is counted as the products of its definition, however it is computed.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import tyro
from torch import Tensor, nn

from model.config import PRESETS, SEARCH_SIZE, TEMPLATE_SIZE
from model.fusion import CorrelationFusion
from model.network import Network, build_model

# parameters in millions and GMAC per tracked frame, as their authors' networks have them
_PEERS = {"SiamCAR (ResNet-50)": (51.4, 48.6), "SiamRPN++ (ResNet-50)": (53.95, 48.8)}


@dataclass(frozen=True, kw_only=True)
class SummaryConfig:
    """Which network."""

    preset: Literal["paper", "aligned", "baseline", "siamfc"] = "paper"
    """Network of `model.config.PRESETS`."""
    head: Literal["siamfc", "car"] | None = None
    """Head; None takes car, or siamfc for the preset of that name."""
    width: float = 1.0
    """Factor on all numbers of channels."""


@dataclass(frozen=True)
class Part:
    """One part of a network in one branch."""

    name: str
    shape: tuple[int, ...]
    """Of the output, without the batch."""
    num_macs: int


def count_parts(network: Network) -> tuple[list[Part], list[Part]]:
    """Return the parts of the template branch and of the search branch, head included."""
    device = network.mean.device
    z = torch.zeros(1, 3, TEMPLATE_SIZE, TEMPLATE_SIZE, device=device)
    x = torch.zeros(1, 3, SEARCH_SIZE, SEARCH_SIZE, device=device)
    branch: list[Part] = []
    macs = {"open": 0}

    def count_convolution(module: nn.Module, _: Any, output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        macs["open"] += output[0, 0].numel() * module.weight.numel()

    def close(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            output = next(iter(output.values())) if isinstance(output, dict) else output
            macs["open"] += _correlation_macs(module, network, inputs)
            branch.append(Part(name, tuple(output.shape[1:]), macs["open"]))
            macs["open"] = 0

        return hook

    handles = [
        module.register_forward_hook(count_convolution)
        for module in network.modules()
        if isinstance(module, nn.Conv2d)
    ]
    named = [*network.backbone.named_children(), ("head", network.head)]
    handles += [part.register_forward_hook(close(name)) for name, part in named]
    was_training = network.training
    network.eval()
    with torch.no_grad():
        features = network.template(z)
        template, branch = branch, []
        network.search(x, features)
    network.train(was_training)
    for handle in handles:
        handle.remove()
    return template, branch


def describe(network: Network) -> str:
    """Return the table of parts, the totals, and the same figures of two peers."""
    template, search = count_parts(network)
    shapes = {part.name: part for part in template}
    modules = {**dict(network.backbone.named_children()), "head": network.head}
    lines = [
        f"{'part':10}{'template':>16}{'search':>16}{'parameters':>12}{'MMAC z':>10}{'MMAC x':>10}"
    ]
    for part in search:
        other = shapes.get(part.name)
        lines.append(
            f"{part.name:10}{_by(other.shape if other else ()):>16}{_by(part.shape):>16}"
            f"{_num_parameters(modules[part.name]):>12,}"
            f"{(other.num_macs if other else 0) / 1e6:>10,.1f}{part.num_macs / 1e6:>10,.1f}"
        )
    million = _num_parameters(network) / 1e6
    once, frame = (sum(part.num_macs for part in parts) / 1e9 for parts in (template, search))
    lines += [
        "",
        f"{'network':24}{'M parameters':>14}{'GMAC a frame':>14}{'once a video':>14}",
        f"{'this one':24}{million:>14.3f}{frame:>14.2f}{once:>14.2f}",
        *(f"{name:24}{m:>14.2f}{g:>14.1f}{'':>14}" for name, (m, g) in _PEERS.items()),
    ]
    return "\n".join(lines)


def _correlation_macs(module: nn.Module, network: Network, inputs: Any) -> int:
    if isinstance(module, CorrelationFusion):
        channels, search = inputs[0].shape[1:3]
        return _products(channels, search, module.template_cells)
    if module is network.head:
        channels, search = inputs[0].shape[1:3]
        cut = 2 if network.config.head == "car" else 0
        return _products(channels, search, inputs[1].shape[2] - cut)
    return 0


def _products(channels: int, search: int, template: int) -> int:
    return int(channels * (search - template + 1) ** 2 * template**2)


def _num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "-"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 2 a wrong option."""
    try:
        config = tyro.cli(SummaryConfig, args=argv, prog="python -m model.summary")
        default: Literal["siamfc", "car"] = "siamfc" if config.preset == "siamfc" else "car"
        options = replace(PRESETS[config.preset], head=config.head or default, width=config.width)
    except SystemExit as stop:
        return int(stop.code or 0)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(describe(build_model(options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
