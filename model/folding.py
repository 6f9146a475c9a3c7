"""Frozen modules whose BatchNorm is folded into the convolutions before it."""

import copy
from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Folded:
    """Keeps folded copies of modules, and makes them anew where a weight or its memory changed."""

    def __init__(self) -> None:
        self._key: list[tuple[int, int]] = []
        self._copies: Sequence[nn.Module] = ()

    def copies(self, modules: Sequence[nn.Module]) -> Sequence[nn.Module]:
        """Return copies that compute the same in evaluation mode; the modules stay as they are."""
        key = [
            (tensor.data_ptr(), tensor._version)
            for module in modules
            for tensor in (*module.parameters(), *module.buffers())
        ]
        if key != self._key:
            self._copies, self._key = _fold(modules), key
        return self._copies


def _fold(modules: Sequence[nn.Module]) -> Sequence[nn.Module]:
    memo: dict[int, Any] = {}
    for part in (part for module in modules for part in module.modules()):
        if isinstance(part, nn.Sequential) and isinstance(part[-1], nn.BatchNorm2d):
            convolution, norm = part[0], part[-1]
            assert isinstance(convolution, nn.Conv2d)
            memo[id(convolution)] = fuse_conv_bn_eval(convolution, norm)
            memo[id(norm)] = nn.Identity()
    return copy.deepcopy(list(modules), memo)
