"""Batches on their way to a GPU. `CudaUpload` is the one place that calls CUDA.

The ring of the workers is registered with CUDA once, so that the GPU reads a batch where a worker
wrote it; its slot becomes free when the copy is done.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Protocol

import torch

from sampling.batch import PairBatch
from sampling.workers.slots import Device


class Upload(Device, Protocol):
    """A device that batches are copied to while it computes."""

    def start(self, batch: PairBatch) -> Callable[[], PairBatch]:
        """Order the copy of a batch.

        Returns:
            A function that makes the device's further work wait for the copy, and returns it.
        """
        ...


def delivered(batches: Iterable[PairBatch], upload: Upload) -> Iterator[PairBatch]:
    """Yield the batches on the device, each ordered while the one before it is in use."""
    arrive: Callable[[], PairBatch] | None = None
    for batch in batches:
        following = upload.start(batch)
        del batch  # or its slot would be held until the next one
        if arrive is not None:
            yield arrive()
        arrive = following
    if arrive is not None:
        yield arrive()


class CudaUpload:
    """Copies on a stream of their own, out of pinned memory.

    Args:
        device: The GPU; None is the current one.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._address: int | None = None

    def register(self, address: int, num_bytes: int) -> None:
        """Let the GPU read this memory by itself; see `sampling.workers.slots.Device`."""
        with torch.cuda.device(self._device):
            try:
                _check(_runtime().cudaHostRegister(address, num_bytes, 0))
            except RuntimeError:
                with suppress(RuntimeError):  # else the next kernel reports the same error
                    torch.zeros(1, device="cuda")
                raise
        self._address = address

    def unregister(self) -> None:
        """Wait for all copies and take the memory back, if any is registered."""
        if self._address is not None:
            address, self._address = self._address, None
            torch.cuda.synchronize(self._device)
            _check(_runtime().cudaHostUnregister(address))

    def fence(self) -> "_StreamFence":
        """Return the point after the copies ordered so far, here or by the caller."""
        return _StreamFence(self._stream, torch.cuda.current_stream(self._device))

    def start(self, batch: PairBatch) -> Callable[[], PairBatch]:
        """Order the copy of a batch; see `Upload`."""
        with torch.cuda.stream(self._stream):
            copy = batch.pin().to(self._stream.device)
        done = self._stream.record_event()

        def arrive() -> PairBatch:
            current = torch.cuda.current_stream(self._device)
            current.wait_event(done)
            for tensor in copy.tensors().values():
                tensor.record_stream(current)
            return copy

        return arrive


class _StreamFence:
    """A point in the work of some streams."""

    def __init__(self, *streams: torch.cuda.Stream) -> None:
        self._events = [stream.record_event() for stream in streams]

    def query(self) -> bool:
        return all(event.query() for event in self._events)

    def synchronize(self) -> None:
        for event in self._events:
            event.synchronize()


def _runtime() -> Any:
    return torch.cuda.cudart()  # type: ignore[no-untyped-call]


def _check(result: Any) -> None:
    torch.cuda.check_error(int(result))
