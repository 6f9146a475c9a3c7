"""What a device can do in a second, and how much of that some work asks for."""

import statistics
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from bench.timing import Work

_MATRIX_SIZE = {"cuda": 8192}
_COPIED_BYTES = {"cuda": 1 << 30}
_SMALL_MATRIX, _SMALL_COPY = 1536, 1 << 27
_WORKS = ("product", "product, bf16", "copy")


class Demand(NamedTuple):
    """What one run of some work takes of a device, at least as it is written."""

    macs: float
    """Multiply-accumulates of its convolutions and matrix products."""
    num_bytes: float
    """Bytes that its operators read and write; one that is fused with its neighbours needs none."""


class Rates(NamedTuple):
    """What a device reaches with nothing else to do."""

    macs_per_s: Mapping[str, float]
    """Multiply-accumulates of a matrix product, for ``float32`` and ``bf16``."""
    bytes_per_s: float
    """Bytes read and written by a copy within the device's memory."""

    def shares(self, demand: Demand, seconds: float, precision: str) -> tuple[float, float]:
        """Return the shares of matrix and memory rate of work that took so long."""
        return (
            demand.macs / seconds / self.macs_per_s[precision],
            demand.num_bytes / seconds / self.bytes_per_s,
        )


def demand_of(work: Work) -> Demand:
    """Run work once and return its demand."""
    count = _CountBytes()  # type: ignore[no-untyped-call]
    with FlopCounterMode(display=False) as flops, count:
        work()
    return Demand(flops.get_total_flops() / 2, count.num_bytes)


def rate_works(device: torch.device) -> dict[str, Work]:
    """Return the work that measures the rates, to be timed in turns with the work itself."""
    size = _MATRIX_SIZE.get(device.type, _SMALL_MATRIX)
    matrix = torch.randn(size, size, device=device)
    half = matrix.bfloat16()
    source = torch.zeros(_COPIED_BYTES.get(device.type, _SMALL_COPY), dtype=torch.uint8)
    source = source.to(device)
    return {
        "product": partial(torch.mm, matrix, matrix),
        "product, bf16": partial(torch.mm, half, half),
        "copy": partial(torch.zeros_like(source).copy_, source),
    }


def rates_of(device: torch.device, seconds: Mapping[str, list[float]]) -> Rates:
    """Return the rates from the times of `rate_works`."""
    size = _MATRIX_SIZE.get(device.type, _SMALL_MATRIX)
    medians = {name: statistics.median(seconds[name]) for name in _WORKS}
    return Rates(
        {
            "float32": size**3 / medians["product"],
            "bf16": size**3 / medians["product, bf16"],
        },
        2 * _COPIED_BYTES.get(device.type, _SMALL_COPY) / medians["copy"],
    )


class _CountBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the tensors that go into operators and come out of them; views move nothing."""

    num_bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            leaves = tree_leaves((args, kwargs, result))
            self.num_bytes += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, Tensor))
        return result
