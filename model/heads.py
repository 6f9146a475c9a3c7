"""The two heads: SiamFC's similarity map, and SiamCAR's classification and boxes."""

import math

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.correlation import cross_correlation, depthwise_correlation

Outputs = dict[str, Tensor]

_AVERAGE_SIDE_DISTANCE_PX = 32.0  # a square target fills half of the template: 63.5 px of 127
_RESPONSE_GAIN = 16.0  # on the mean product; 1e-3 on the sum of 32 x 22 x 22 of them
_GROUP_CHANNELS = 8  # GroupNorm 32 at 256 channels


class SiamFCHead(nn.Module):
    """One logit for each offset of the template: ``gain * response + bias``.

    The gain is fixed: the gradient of a learnt one is the sum of raw responses, and within six
    steps at learning rate 0.01 the loss was not finite. It is a factor on the mean product and not
    on the sum, so that networks of all widths start near log 2: with 1e-3 on the sum, that of the
    full width starts at 3.0.

    Args:
        channels: Channels of both maps.
        config: The network's; nothing in it concerns this head.

    Shape:
        - x: (B, C, 44, 44) search map
        - z: (B, C, 22, 22) template map, or (1, C, 22, 22)
        - response: (B, 23, 23) logits
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, z: Tensor) -> Outputs:
        """Return ``{"response": (B, 23, 23)}``."""
        gain = _RESPONSE_GAIN / z[0].numel()
        return {"response": gain * self.correlate(x, z).squeeze(1) + self.bias}

    def correlate(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the raw (B, 1, 23, 23) response."""
        return cross_correlation(x, z)


class CARHead(nn.Module):
    """Two towers over the channelwise response: target or not, and the distances to its sides.

    Args:
        channels: Channels of both maps; a multiple of 8.
        config: The network's template crop; the shapes are those of 1, the paper's.

    Shape:
        - x: (B, C, 44, 44) search map
        - z: (B, C, 22, 22) template map, or (1, C, 22, 22); cut to its central 20 x 20
        - logits: (B, 2, 25, 25) for negative and positive
        - ltrb: (B, 4, 25, 25) distances to the left, top, right, bottom side, in px of the crop
    """

    def __init__(self, channels: int, config: ModelConfig) -> None:
        super().__init__()
        self.template_crop = config.template_crop
        self.classification = _tower(channels, outputs=2)
        self.regression = _tower(channels, outputs=4)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        last = self.regression[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(_AVERAGE_SIDE_DISTANCE_PX))

    def forward(self, x: Tensor, z: Tensor) -> Outputs:
        """Return ``{"logits": (B, 2, 25, 25), "ltrb": (B, 4, 25, 25)}``."""
        response = self.correlate(x, z).to(x.dtype)
        return {
            "logits": self.classification(response),
            "ltrb": self.regression(response).float().exp(),
        }

    def correlate(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the (B, C, 25, 25) response to the central part of the template map."""
        inside = slice(self.template_crop, z.shape[-1] - self.template_crop)
        return depthwise_correlation(x, z[:, :, inside, inside])


HEADS: dict[str, type[SiamFCHead] | type[CARHead]] = {"siamfc": SiamFCHead, "car": CARHead}


def _tower(channels: int, *, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(channels // _GROUP_CHANNELS, channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(channels, outputs, 3, padding=1))
