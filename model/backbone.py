"""The two backbones: the paper's S1 (stem, two blocks of ResNet-50, tail) and SiamFC's AlexNet."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.folding import Folded
from model.fusion import CorrelationFusion

Features = tuple[Tensor, ...]
"""Features of a template: the prepared maps of the correlation-fusion modules that exist, and last
the map (B, C, h, w) for the head."""


class Bottleneck(nn.Module):
    """ResNet's 1x1, 3x3, 1x1 convolutions around a shortcut.

    Args:
        inputs: Input channels.
        middle: Channels of the 3x3 convolution.
        outputs: Output channels.
        stride: Stride of the 3x3 convolution and the shortcut.

    Shape:
        - input: (B, inputs, H, W)
        - output: (B, outputs, ceil(H / stride), ceil(W / stride))
    """

    def __init__(self, inputs: int, middle: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = _conv_norm(inputs, middle, 1)
        self.conv2 = _conv_norm(middle, middle, 3, stride=stride, padding=1)
        self.conv3 = _conv_norm(middle, outputs, 1)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = _conv_norm(inputs, outputs, 1, stride=stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's map."""
        y = self.relu(self.conv1(x))
        y = self.conv3(self.relu(self.conv2(y)))
        y += self.shortcut(x)
        result: Tensor = self.relu(y)
        return result


class DCFFNetBackbone(nn.Module):
    """S1: 127 px give 44, 44, 22 cells after stem, block 2 and block 3; 255 px give 87, 87, 44.

    Args:
        config: Variant, fusion options and width.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        c64, c128, c256, c512 = (config.channels(full) for full in (64, 128, 256, 512))
        relu = nn.ReLU(inplace=True)
        self.fusion1: CorrelationFusion | None = None
        self.fusion2: CorrelationFusion | None = None
        if config.variant in ("cf1", "double"):
            self.fusion1 = CorrelationFusion(c64, config, search_cells=87, template_cells=44)
        if config.variant in ("cf2", "double"):
            self.fusion2 = CorrelationFusion(c512, config, search_cells=44, template_cells=22)
        self.stem = nn.Sequential(
            _conv_norm(3, c64, 7, stride=3, padding=5),
            relu,
            _conv_norm(c64, c64, 3, padding=1),
            relu,
            _conv_norm(c64, c64, 3, padding=1),
            relu,
        )
        self.block2 = nn.Sequential(
            Bottleneck(c64, c64, c256), *(Bottleneck(c256, c64, c256) for _ in range(2))
        )
        self.block3 = nn.Sequential(
            Bottleneck(c256, c128, c512, stride=2),
            *(Bottleneck(c512, c128, c512) for _ in range(3)),
        )
        self.conv4 = nn.Sequential(_conv_norm(c512, c256, 3, padding=1), relu)
        self.tail = nn.Sequential(
            _conv_norm(c256, c256, 3, padding=1), relu, nn.Conv2d(c256, c256, 3, padding=1)
        )
        self.output_channels = c256
        self.trunk_frozen = False
        self._folded = Folded()

    def freeze_trunk(self, *, frozen: bool) -> None:
        """Freeze all layers before conv5 (the paper's fine-tuning), or unfreeze them."""
        self.trunk_frozen = frozen
        for module in self.trunk():
            module.requires_grad_(not frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> "DCFFNetBackbone":
        """Set training or evaluation mode; a frozen trunk stays in evaluation mode."""
        super().train(mode)
        if self.trunk_frozen:
            for module in self.trunk():
                module.eval()
        return self

    def trunk(self) -> list[nn.Module]:
        """Return the modules before conv5, which fine-tuning freezes."""
        modules = (self.stem, self.fusion1, self.block2, self.block3, self.fusion2, self.conv4)
        return [module for module in modules if module is not None]

    def template(self, z: Tensor) -> Features:
        """Return the template's features, from (B, 3, 127, 127)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.trunk_frozen):
            stem, block2, block3, conv4 = self._stages()
            shallow = stem(z)  # (B, 64, 44, 44)
            middle = block3(block2(shallow))  # (B, 512, 22, 22)
            deep = conv4(middle)
            kept = [
                fusion.prepare(features)
                for fusion, features in ((self.fusion1, shallow), (self.fusion2, middle))
                if fusion is not None
            ]
        return (*kept, self.tail(deep))  # (B, 256, 22, 22) last

    def search(self, x: Tensor, features: Features) -> Tensor:
        """Return the search map (B, 256, 44, 44), from (B, 3, 255, 255) and the features."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.trunk_frozen):
            stem, block2, block3, conv4 = self._stages()
            x = stem(x)  # (B, 64, 87, 87)
            if self.fusion1 is not None:
                x = self.fusion1(x, features[0])
            x = block3(block2(x))  # (B, 512, 44, 44)
            if self.fusion2 is not None:
                x = self.fusion2(x, features[-2])
            x = conv4(x)
        result: Tensor = self.tail(x)
        return result

    def _stages(self) -> Sequence[nn.Module]:
        """Return stem, block 2, block 3 and conv4: with BatchNorm folded where they are frozen."""
        stages = (self.stem, self.block2, self.block3, self.conv4)
        if self.trunk_frozen and self.training and not torch.compiler.is_compiling():
            return self._folded.copies(stages)
        return stages  # validation has the weights as they are saved; the compiler fuses by itself


class AlexNetBackbone(nn.Module):
    """SiamFC's five convolutions without padding, total stride 8: 127 px gives 6 cells, 255 px 22.

    Args:
        config: Width; the fusion options have no meaning here.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        c96, c256, c384 = (config.channels(full) for full in (96, 256, 384))
        relu = nn.ReLU(inplace=True)
        self.layers = nn.Sequential(
            _conv_norm(3, c96, 11, stride=2, bias=True),
            relu,
            nn.MaxPool2d(3, 2),
            _conv_norm(c96, c256, 5, groups=2, bias=True),
            relu,
            nn.MaxPool2d(3, 2),
            _conv_norm(c256, c384, 3, bias=True),
            relu,
            _conv_norm(c384, c384, 3, groups=2, bias=True),
            relu,
            nn.Conv2d(c384, c256, 3, groups=2),
        )
        self.output_channels = c256

    def template(self, z: Tensor) -> Features:
        """Return the template's features, from (B, 3, 127, 127)."""
        return (self.layers(z),)  # (B, 256, 6, 6)

    def search(self, x: Tensor, features: Features) -> Tensor:
        """Return the search map (B, 256, 22, 22), from (B, 3, 255, 255); features are unused."""
        result: Tensor = self.layers(x)
        return result


BACKBONES: dict[str, type[DCFFNetBackbone] | type[AlexNetBackbone]] = {
    "dcffnet": DCFFNetBackbone,
    "alexnet": AlexNetBackbone,
}


def _conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    bias: bool = False,
) -> nn.Sequential:
    convolution = nn.Conv2d(
        inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, bias=bias
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
