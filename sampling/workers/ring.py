"""A ring of batches in memory that the loader and its workers share.

The memory is anonymous: it has no name on any file system, and the kernel frees it with the last
process that maps it, however that process ends.
"""

import ctypes
import mmap
import os
import tempfile
import weakref
from collections.abc import Callable

import numpy as np

from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.make_pairs import BatchArrays

_TEMPLATE_BYTES = TEMPLATE_SIZE * TEMPLATE_SIZE * 3
_SEARCH_BYTES = SEARCH_SIZE * SEARCH_SIZE * 3
_BOX_BYTES = 4 * 4


def ring_file(num_slots: int, pairs_per_slot: int) -> int:
    """Return a file descriptor of memory for ``num_slots`` batches; the caller closes it."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("pairs", os.MFD_CLOEXEC)
    else:  # not Linux: a file without a name
        with tempfile.TemporaryFile() as unnamed:
            file = os.dup(unnamed.fileno())
    os.ftruncate(file, num_slots * _slot_bytes(pairs_per_slot))
    return file


class Ring:
    """The mapped memory, as arrays."""

    def __init__(self, file: int, pairs_per_slot: int) -> None:
        self._memory = mmap.mmap(file, 0)
        self._pairs = pairs_per_slot
        self.num_bytes = len(self._memory)
        self.num_slots = self.num_bytes // _slot_bytes(pairs_per_slot)

    @property
    def address(self) -> int:
        """Where the memory starts in this process."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self._memory))

    def slot(self, number: int, on_release: Callable[[], object] | None = None) -> BatchArrays:
        """Return the arrays of one slot.

        Args:
            number: Which slot.
            on_release: Called after the last reference to the arrays and their views is gone.
        """
        size = _slot_bytes(self._pairs)
        # an object of its own for each call: it lives as long as the arrays do
        owner = (ctypes.c_char * size).from_buffer(self._memory, number * size)
        if on_release is not None:
            weakref.finalize(owner, on_release).atexit = False
        buffer = memoryview(owner)
        pairs = self._pairs
        template_end = pairs * _TEMPLATE_BYTES
        search_end = template_end + pairs * _SEARCH_BYTES
        template_shape = (pairs, TEMPLATE_SIZE, TEMPLATE_SIZE, 3)
        search_shape = (pairs, SEARCH_SIZE, SEARCH_SIZE, 3)
        return BatchArrays(
            np.ndarray(template_shape, np.uint8, buffer),
            np.ndarray(search_shape, np.uint8, buffer, template_end),
            np.ndarray((pairs, 4), np.float32, buffer, _align(search_end)),
        )


def _slot_bytes(pairs: int) -> int:
    pixels = _align(pairs * (_TEMPLATE_BYTES + _SEARCH_BYTES))
    whole_pages = -(-(pixels + pairs * _BOX_BYTES) // mmap.PAGESIZE) * mmap.PAGESIZE
    return whole_pages


def _align(num_bytes: int) -> int:
    return -(-num_bytes // 16) * 16
