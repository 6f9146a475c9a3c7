"""Layers, shapes, parameters and multiply-accumulates of a network.

    python -m model.summary
    python -m model.summary --preset aligned --head siamfc --width 0.125

A part has more parameters than its convolutions where it normalises. A correlation is counted as
the products of its definition, however it is computed.
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from commands.choices import one_of
from commands.run import run_command
from model.config import PRESETS, ModelConfig
from model.fusion import CorrelationFusion
from model.heads import HEADS
from model.network import Network, build_model
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE

# parameters in millions and GMAC per tracked frame of their authors' networks
_PEERS = {"SiamCAR (ResNet-50)": (51.4, 48.6), "SiamRPN++ (ResNet-50)": (53.95, 48.8)}


@dataclass(frozen=True, kw_only=True)
class SummaryConfig:
    """Print the layers, shapes, parameters and multiply-accumulates of a network."""

    preset: Annotated[str, one_of(PRESETS)] = "paper"
    """Network of `model.config.PRESETS`."""
    head: Annotated[str, one_of(HEADS)] | None = None
    """Head; empty takes car, or siamfc for the preset of that name."""
    variant: Literal["baseline", "cf1", "cf2", "double"] | None = None
    """Correlation-fusion modules; None takes the preset's."""
    width: float = 1.0
    """Factor on all numbers of channels."""

    def __post_init__(self) -> None:
        """Check the combination of options."""
        self.model()

    def model(self) -> ModelConfig:
        """Return the configuration of the network."""
        preset = PRESETS[self.preset]
        return replace(
            preset,
            head=self.head or ("siamfc" if preset.backbone == "alexnet" else "car"),
            variant=self.variant or preset.variant,
            width=self.width,
        )


@dataclass(frozen=True)
class Part:
    """A part of a network in one branch, or one of its layers."""

    name: str
    shape: tuple[int, ...]
    """Of the output, without the batch."""
    num_parameters: int
    num_macs: int
    layers: tuple["Part", ...] = ()
    """Its convolutions."""


def count_parts(network: Network) -> tuple[list[Part], list[Part]]:
    """Return the parts of the template branch and of the search branch, head included."""
    device = network.mean.device
    z = torch.zeros(1, 3, TEMPLATE_SIZE, TEMPLATE_SIZE, device=device)
    x = torch.zeros(1, 3, SEARCH_SIZE, SEARCH_SIZE, device=device)
    branch: list[Part] = []
    layers: list[Part] = []

    def note_layer(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, _: Any, output: Tensor) -> None:
            assert isinstance(module, nn.Conv2d)
            kernel, stride = module.kernel_size[0], module.stride[0]
            title = f"{name} {kernel}x{kernel}" + (f"/{stride}" if stride > 1 else "")
            macs = output[0, 0].numel() * module.weight.numel()
            layers.append(Part(title, tuple(output.shape[1:]), _num_parameters(module), macs))

        return hook

    def close(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            output = next(iter(output.values())) if isinstance(output, dict) else output
            macs = sum(layer.num_macs for layer in layers)
            macs += _correlation_macs(module, network, inputs)
            shape = tuple(output.shape[1:])
            branch.append(Part(name, shape, _num_parameters(module), macs, tuple(layers)))
            layers.clear()

        return hook

    named = [*network.backbone.named_children(), ("head", network.head)]
    handles = [
        layer.register_forward_hook(note_layer(name))
        for _, part in named
        for name, layer in part.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
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
    lines = [
        f"{'part':26}{'template':>16}{'search':>16}{'parameters':>12}{'MMAC z':>10}{'MMAC x':>10}"
    ]
    other = {part.name: part for part in template}
    for part in search:
        lines.append(_line(part, other.get(part.name)))
        twins = other[part.name].layers if part.name in other else ()
        lines += [
            _line(layer, twin, indent="  ")
            for layer, twin in itertools.zip_longest(part.layers, twins)
        ]
    million = _num_parameters(network) / 1e6
    once, frame = (sum(part.num_macs for part in parts) / 1e9 for parts in (template, search))
    lines += [
        "",
        f"{'network':24}{'M parameters':>14}{'GMAC a frame':>14}{'once a video':>14}",
        f"{'this one':24}{million:>14.3f}{frame:>14.2f}{once:>14.2f}",
        *(f"{name:24}{m:>14.2f}{g:>14.1f}{'':>14}" for name, (m, g) in _PEERS.items()),
    ]
    return "\n".join(lines)


def _line(part: Part, template: Part | None, *, indent: str = "") -> str:
    return (
        f"{indent + part.name:26}{_by(template.shape if template else ()):>16}"
        f"{_by(part.shape):>16}{part.num_parameters:>12,}"
        f"{(template.num_macs if template else 0) / 1e6:>10,.1f}{part.num_macs / 1e6:>10,.1f}"
    )


def _correlation_macs(module: nn.Module, network: Network, inputs: Any) -> int:
    if isinstance(module, CorrelationFusion):
        channels, search = inputs[0].shape[1:3]
        return _products(channels, search, module.template_cells)
    if module is network.head:
        channels, search = inputs[0].shape[1:3]
        return _products(channels, search, inputs[1].shape[2] - 2 * network.head.template_crop)
    return 0


def _products(channels: int, search: int, template: int) -> int:
    return int(channels * (search - template + 1) ** 2 * template**2)


def _num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "-"


def summarise(config: SummaryConfig) -> None:
    """Print the summary."""
    print(describe(build_model(config.model())))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 2 a wrong option."""
    return run_command(SummaryConfig, summarise, argv, prog="python -m model.summary")


if __name__ == "__main__":
    sys.exit(main())
