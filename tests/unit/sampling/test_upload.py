"""A ring that a device reads by itself: a slot is used again only after the device has read it.

`LateDevice` stands for the GPU: it reads memory by its address, holds no reference to it, and only
when the copy is needed at last.
"""

import ctypes
import gc
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from manifests.table import Manifest
from sampling.batch import PairBatch
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.workers.ring import Ring, ring_file
from sampling.workers.slots import MAX_HELD, Slots
from tests.support.loaders import assert_equal, loader, small_manifest

PAIRS = PairSettings(pairs_per_epoch=96)


class Order:
    """A copy that is made when somebody waits for it."""

    def __init__(self, source: Tensor) -> None:
        self.copy = torch.zeros_like(source)
        self._address = source.data_ptr()
        self.done = False

    def synchronize(self) -> None:
        if not self.done:
            ctypes.memmove(self.copy.data_ptr(), self._address, self.copy.nbytes)
            self.done = True

    def query(self) -> bool:
        return self.done


class LateDevice:
    """A device on the CPU that reads as late as it may."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.registered: dict[int, int] = {}
        self._refuses = refuses
        self._last: Order | None = None

    def register(self, address: int, num_bytes: int) -> None:
        if self._refuses:
            raise RuntimeError("operation not supported\n(801)")
        self.registered[address] = num_bytes

    def unregister(self) -> None:
        self.registered.clear()

    def fence(self) -> Order:
        assert self._last is not None
        return self._last

    def start(self, batch: PairBatch) -> Callable[[], PairBatch]:
        order = self._last = Order(batch.search)
        if not self._is_registered(batch.search):
            order.synchronize()

        def arrive() -> PairBatch:
            order.synchronize()
            return replace(moved, search=order.copy)

        clones = {name: getattr(batch, name).clone() for name in ("template", "boxes_xyxy")}
        moved = replace(batch, search=order.copy, **clones)
        return arrive

    def _is_registered(self, tensor: Tensor) -> bool:
        return any(
            start <= tensor.data_ptr() < start + size for start, size in self.registered.items()
        )


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return small_manifest(tmp_path_factory.mktemp("crops"))


@pytest.fixture(scope="module")
def expected(manifest: Manifest) -> list[PairBatch]:
    return list(loader(manifest, pairs=PAIRS))


def late_loader(
    manifest: Manifest, device: LateDevice, *, num_workers: int = 1, max_bad_samples: int = 0
) -> PairLoader:
    own = loader(manifest, pairs=PAIRS, num_workers=num_workers, max_bad_samples=max_bad_samples)
    own._upload, own._device = device, torch.device("cpu")
    return own


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_have_the_same_bits_in_the_same_order(
    manifest: Manifest, expected: list[PairBatch], num_workers: int
) -> None:
    device = LateDevice()
    with late_loader(manifest, device, num_workers=num_workers) as own:
        for _ in range(2):
            for batch, other in zip(own, expected, strict=True):
                time.sleep(0.02)  # the workers fill what they take for free
                assert_equal(batch, other)
        if own._pool is not None:
            assert own._pool.num_free == 6  # all of them: each was released once
        assert bool(device.registered) == (num_workers > 0)
    assert not device.registered


def test_a_refused_registration_is_one_line_and_changes_no_bit(
    manifest: Manifest, expected: list[PairBatch], caplog: pytest.LogCaptureFixture
) -> None:
    device = LateDevice(refuses=True)
    with late_loader(manifest, device) as own:
        for batch, other in zip(own, expected, strict=True):
            assert_equal(batch, other)
    assert not device.registered
    assert caplog.messages == [
        "the GPU cannot read the loader's 8 MB by itself (operation not supported); batches are "
        "copied to pinned memory first"
    ]


def _fail(own: PairLoader) -> None:
    with pytest.raises(ZeroDivisionError), own:
        1 / 0  # noqa: B018


def _kill(own: PairLoader) -> None:
    assert own._pool is not None
    own._pool._processes[0].kill()
    with pytest.raises(RuntimeError, match="ended with code -9"):
        list(own)


def _drop(own: PairLoader) -> None:
    pass


@pytest.mark.parametrize("end", [_fail, _kill, _drop])
def test_nothing_stays_registered(manifest: Manifest, end: Callable[[PairLoader], None]) -> None:
    device = LateDevice()
    own = late_loader(manifest, device)
    batches = iter(own)
    kept = next(batches)  # an epoch that is left early, and a batch that outlives it
    assert len(device.registered) == 1
    end(own)
    del own, batches
    gc.collect()
    assert not device.registered
    assert kept.search.any()


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    file = ring_file(4, 1)
    try:
        return Ring(file, 1)
    finally:
        os.close(file)


def test_a_slot_is_free_once_after_the_fence(ring: Ring) -> None:
    device = LateDevice()
    slots = Slots(ring, device)
    taken = [slots.acquire() for _ in range(4)]
    assert sorted(taken) == [0, 1, 2, 3]
    assert slots.num_free == 0
    arrays = slots.hold(taken[0])
    view = arrays.search[0]
    first = device._last = Order(torch.from_numpy(arrays.search))
    del arrays
    assert not slots._fenced  # the view still reads it
    del view
    assert slots.num_free == 0  # the device still reads it
    first.synchronize()
    assert slots.num_free == slots.num_free == 1
    assert slots.acquire() == taken[0]
    slots.put_back(taken[0])
    with pytest.raises(KeyError):
        slots.put_back(taken[0])
    with pytest.raises(KeyError):
        slots.hold(taken[0])


def test_the_last_fence_is_waited_for_where_no_slot_is_taken(ring: Ring) -> None:
    device = LateDevice()
    slots = Slots(ring, device)
    for _ in range(4):
        arrays = slots.hold(slots.acquire())
        device._last = Order(torch.from_numpy(arrays.search))
        del arrays
    assert [slots.num_free for _ in range(2)] == [1, 1]


def test_more_batches_than_may_be_held_are_copies(ring: Ring) -> None:
    slots = Slots(ring)
    kept = [slots.hold(slots.acquire()) for _ in range(4)]
    assert slots.num_free == 4 - MAX_HELD
    assert [bool(arrays.search.base is not None) for arrays in kept] == [True, True, False, False]
    del kept
    assert slots.num_free == 4
