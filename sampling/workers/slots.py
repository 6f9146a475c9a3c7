"""The slots of a ring, from the order for a batch until nothing reads its memory any more.

A slot is free, taken (a worker makes its batch), held (the caller has its arrays), or fenced: the
arrays are gone, but a device may still be reading them.
"""

from collections import deque
from functools import partial
from typing import Protocol

from sampling.make_pairs import BatchArrays
from sampling.workers.ring import Ring

MAX_HELD = 2
"""Batches of the ring that the training loop may hold: the one in use and the one before."""


class Fence(Protocol):
    """A point in the work of a device."""

    def query(self) -> bool:
        """Return True if the device has passed it."""
        ...

    def synchronize(self) -> None:
        """Wait until the device has passed it."""
        ...


class Device(Protocol):
    """A device that reads the ring by itself, at any time after a copy was ordered."""

    def register(self, address: int, num_bytes: int) -> None:
        """Let the device read this memory.

        Raises:
            RuntimeError: It cannot.
        """
        ...

    def unregister(self) -> None:
        """Wait for the device's copies and take the memory back, if any is registered."""
        ...

    def fence(self) -> Fence:
        """Return the point after all copies that were ordered so far."""
        ...


class Slots:
    """The life of a ring's slots; each acquired one becomes free exactly once.

    Args:
        ring: Their memory.
        device: Reads this memory; None where only the CPU does.
    """

    def __init__(self, ring: Ring, device: Device | None = None) -> None:
        self._ring = ring
        self._device = device
        self._free = deque(range(ring.num_slots))
        self._taken: set[int] = set()
        self._held: set[int] = set()
        self._fenced: deque[tuple[Fence, int]] = deque()

    @property
    def num_free(self) -> int:
        """Number of slots that can be acquired; at least 1 while no slot is taken."""
        while self._fenced and self._fenced[0][0].query():
            self._free.append(self._fenced.popleft()[1])
        if self._fenced and not self._free and not self._taken:
            fence, slot = self._fenced.popleft()
            fence.synchronize()
            self._free.append(slot)
        return len(self._free)

    def acquire(self) -> int:
        """Take a free slot for a batch to be made."""
        slot = self._free.popleft()
        self._taken.add(slot)
        return slot

    def put_back(self, slot: int) -> None:
        """Free a taken slot whose batch is not wanted."""
        self._taken.remove(slot)
        self._free.append(slot)

    def hold(self, slot: int) -> BatchArrays:
        """Return the arrays of a taken slot, which is released with the last reference to them.

        From the third batch held at a time on they are copies: the ring never runs dry.
        """
        if len(self._held) == MAX_HELD:
            copies = self._ring.slot(slot).copy()
            self.put_back(slot)
            return copies
        self._taken.remove(slot)
        self._held.add(slot)
        return self._ring.slot(slot, partial(self._release, slot))

    def _release(self, slot: int) -> None:
        self._held.remove(slot)
        if self._device is None:
            self._free.append(slot)
        else:
            self._fenced.append((self._device.fence(), slot))
