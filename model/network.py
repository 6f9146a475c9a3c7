"""The network: ``template(z) -> features``, then ``search(x, features) -> outputs`` per frame.

network = build_model(ModelConfig(head="car"))
features = network.template(z)           # once per video
outputs = network.search(x, features)    # every frame
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from model.backbone import BACKBONES, DCFFNetBackbone, Features
from model.config import ModelConfig
from model.heads import HEADS, Head
from model.heads.base import Outputs
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE

# Mean and standard deviation of ImageNet's RGB values, in 0..255.
CHANNEL_MEAN = (123.675, 116.28, 103.53)
CHANNEL_STD = (58.395, 57.12, 57.375)

_TRUNK_FROZEN = {"pretrain": False, "finetune": True}


class Network(nn.Module):
    """Backbone and head, on crops in the format of the loader and the tracker.

    Args:
        config: Options of the network.

    Shape:
        - z: (B, 127, 127, 3) uint8 RGB, or (B, 3, 127, 127) normalised floats
        - x: (B, 255, 255, 3) uint8 RGB, or (B, 3, 255, 255) normalised floats
        - output: the outputs of the head, such as ``{"response"}`` or ``{"logits", "ltrb"}``
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = BACKBONES[config.backbone](config)
        self.head: Head = HEADS[config.head](self.backbone.output_channels, config)
        self.register_buffer("mean", torch.tensor(CHANNEL_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(CHANNEL_STD).view(1, 3, 1, 1), persistent=False)

    def template(self, z: Tensor) -> Features:
        """Return the template's features; one call serves every search crop of a video."""
        return self.backbone.template(self._normalise(z, TEMPLATE_SIZE))

    def search(self, x: Tensor, features: Features) -> Outputs:
        """Return the head's outputs for search crops and the features of their templates.

        Features of one template (B = 1) serve any number of search crops.
        """
        result: Outputs = self.head(
            self.backbone.search(self._normalise(x, SEARCH_SIZE), features), features[-1]
        )
        return result

    def forward(self, z: Tensor, x: Tensor) -> Outputs:
        """Return the head's outputs for pairs of crops."""
        return self.search(x, self.template(z))

    def freeze(self, stage: str) -> None:
        """Freeze the parameters that a training stage keeps, and their BatchNorm statistics.

        Args:
            stage: ``"pretrain"`` trains everything, ``"finetune"`` conv5, conv6 and the head.
        """
        if stage not in _TRUNK_FROZEN:
            raise ValueError(f"stage {stage!r}, expected one of {sorted(_TRUNK_FROZEN)}")
        frozen = _TRUNK_FROZEN[stage]
        if isinstance(self.backbone, DCFFNetBackbone):
            self.backbone.freeze_trunk(frozen=frozen)
        elif frozen:
            raise ValueError(f"backbone {self.config.backbone!r} has no stage {stage!r}")

    def trainable_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters that are not frozen."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)

    def trunk_parameters(self) -> Iterator[nn.Parameter]:
        """Yield the parameters before conv5, which fine-tuning freezes."""
        if isinstance(self.backbone, DCFFNetBackbone):
            for module in self.backbone.trunk():
                yield from module.parameters()

    def _normalise(self, crop: Tensor, size: int) -> Tensor:
        if crop.dtype == torch.uint8:
            if crop.shape[1:] != (size, size, 3):
                raise ValueError(f"crop is {tuple(crop.shape)}, expected (B, {size}, {size}, 3)")
            # channels stay last in memory: convolutions on CPU take 15 to 20% less time
            return (crop.permute(0, 3, 1, 2) - self.mean) / self.std
        if crop.shape[1:] != (3, size, size):
            raise ValueError(f"crop is {tuple(crop.shape)}, expected (B, 3, {size}, {size})")
        return crop


def build_model(config: ModelConfig) -> Network:
    """Return a new network with random weights, which depend on ``torch.manual_seed``."""
    return Network(config)
