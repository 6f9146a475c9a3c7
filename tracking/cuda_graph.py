"""A function of tensors as a CUDA graph: one launch in place of one per kernel."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

Tensors = tuple[Tensor, ...]
_NUM_WARM_UP = 3
"""Runs before the capture, in which libraries choose kernels and allocate."""


class Replayed:
    """Replay a function as a CUDA graph; on other devices it runs as it is.

    Its first call is captured. Calls with other shapes, and all calls after a failed capture, run
    eagerly. The function must be without side effects.

    Args:
        function: Function of tensors on the device.
        device: Where it runs; arguments may be in host memory.
        capture: Whether to capture; None for CUDA devices only.
    """

    def __init__(
        self,
        function: Callable[..., Tensors],
        device: torch.device,
        *,
        capture: bool | None = None,
    ) -> None:
        self._function = function
        self._device = device
        self._may_capture = device.type == "cuda" if capture is None else capture
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: Tensors = ()
        self._outputs: Tensors = ()

    def __call__(self, *arguments: Tensor) -> Tensors:
        """Return the function's results, which later calls do not change."""
        if self._may_capture:
            self._may_capture = False
            self._capture([self._upload(argument) for argument in arguments])
        shapes = [argument.shape for argument in arguments]
        if self._graph is None or shapes != [static.shape for static in self._inputs]:
            return self._function(*(self._upload(argument) for argument in arguments))
        for static, argument in zip(self._inputs, arguments, strict=True):
            static.copy_(_pinned(argument), non_blocking=True)
        self._graph.replay()
        return tuple(output.clone() for output in self._outputs)

    def _upload(self, tensor: Tensor) -> Tensor:
        if self._device.type == "cuda":
            tensor = _pinned(tensor)
        return tensor.to(self._device, non_blocking=True)

    def _capture(self, arguments: list[Tensor]) -> None:
        """Capture the function on copies of the arguments, which become the graph's inputs."""
        try:
            inputs = tuple(argument.clone() for argument in arguments)
            stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):
                for _ in range(_NUM_WARM_UP):
                    self._function(*inputs)
            torch.cuda.current_stream(self._device).wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                outputs = self._function(*inputs)
        except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
            reason = str(error).strip().partition("\n")[0]
            logger.info("no CUDA graph, the network runs eagerly: %s", reason)
            return
        self._graph, self._inputs, self._outputs = graph, inputs, outputs


def _pinned(tensor: Tensor) -> Tensor:
    """Return a tensor of host memory in pinned memory, from which copies need not be waited for.

    torch reuses that memory only after the copies from it are done.
    """
    return tensor.pin_memory() if tensor.device.type == "cpu" else tensor
