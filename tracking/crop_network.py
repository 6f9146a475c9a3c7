"""The network on crops of one target or many: NumPy arrays in and out, one call for all targets."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backbone import Features
from model.network import Network
from tracking.cuda_graph import Replayed
from tracking.decoders.base import Floats

Precision = Literal["float32", "bf16"]


class CropNetwork:
    """A network for tracking, replayed as CUDA graphs where it is on a GPU.

    Args:
        network: Network with any head; it is put into evaluation mode.
        precision: Of the convolutions. On a GPU bf16 moves the weights' channels innermost.
    """

    def __init__(self, network: Network, precision: Precision = "float32") -> None:
        self._network = network.eval()
        self._device = next(network.parameters()).device
        self._bf16 = precision == "bf16"
        if self._bf16 and self._device.type == "cuda":
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._names: tuple[str, ...] = ()
        self._template = Replayed(self._run_template, self._device)
        self._search = Replayed(self._run_search, self._device)

    @torch.inference_mode()
    def template(self, crops: NDArray[np.uint8]) -> Features:
        """Return the features of (B, 127, 127, 3) template crops, B rows each."""
        return self._template(torch.from_numpy(crops))

    @torch.inference_mode()
    def search(self, crops: NDArray[np.uint8], features: Features) -> dict[str, Floats]:
        """Return the outputs, (B, N, ...) each.

        Args:
            crops: (B, N, 255, 255, 3) search crops, N per target.
            features: Features of the targets' templates, B rows each.
        """
        outputs = self._search(torch.from_numpy(crops), *features)
        shape = crops.shape[:2]
        return {
            name: value.cpu().numpy().astype(np.float64).reshape(*shape, *value.shape[1:])
            for name, value in zip(self._names, outputs, strict=True)
        }

    def _run_template(self, crops: Tensor) -> Features:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            return self._network.template(crops)

    def _run_search(self, crops: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        num_targets, num_scales = crops.shape[:2]
        if num_targets > 1 and num_scales > 1:  # one row serves any number of crops
            features = tuple(feature.repeat_interleave(num_scales, dim=0) for feature in features)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            outputs = self._network.search(crops.flatten(0, 1), features)
        self._names = tuple(outputs)
        return tuple(value.float() for value in outputs.values())


@torch.inference_mode()
def mix(old: Features, new: Features, share: float | Tensor) -> Features:
    """Return the features with a share of the new ones.

    The features that correlation-fusion keeps are linear in the template's too.

    Args:
        old: Features of templates, B rows each.
        new: Others of the same shapes.
        share: Share of the new ones, one for all or (B,).
    """
    return tuple(_mix(before, now, share) for before, now in zip(old, new, strict=True))


def _mix(old: Tensor, new: Tensor, share: float | Tensor) -> Tensor:
    if isinstance(share, Tensor):
        share = share.view(-1, *[1] * (old.dim() - 1))
    return (1 - share) * old + share * new
