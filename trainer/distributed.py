"""The processes of a run. One process and many run the same code: alone, each sum is the identity.

Each rank holds a slice of the global batch and divides its loss by the counts of the whole batch,
so the sum of the ranks' gradients is the gradient of the global batch. `Ranks.sum_gradients` adds
them in one message: 15 MB for DCFFNet, a few milliseconds where it matters, and the step stays
readable from the outside (`torch.nn.parallel.DistributedDataParallel` averages instead, which is
right only if every rank has the same number of positive cells).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

_TIMEOUT = timedelta(minutes=10)
_ANSWER_TIME = timedelta(seconds=4)


class LostRankError(RuntimeError):
    """Another process of the run has stopped; the message names it."""


class Ranks:
    """This process among the others.

    Args:
        rank: Number of this process, from 0.
        size: Number of processes (the world size).
        store: Where the processes leave messages; None for one process.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Store | None = None) -> None:
        self.rank = rank
        self.size = size
        self._store = store

    @property
    def is_first(self) -> bool:
        """True for the process that logs and saves."""
        return self.rank == 0

    def share(self, batch_size: int) -> int:
        """Return the number of this rank's pairs in a global batch."""
        first, stop = (batch_size * rank // self.size for rank in (self.rank, self.rank + 1))
        return stop - first

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over the ranks, without gradient."""
        if self.size == 1:
            return tensor.detach()
        total = tensor.detach().clone()
        self._call(lambda: dist.all_reduce(total))
        return total

    def gather(self, rows: Tensor) -> Tensor:
        """Return the rows (n, k) of all ranks, those of the first rank first."""
        counts = torch.zeros(self.size, dtype=torch.int64)
        counts[self.rank] = len(rows)
        ends = self.sum(counts).cumsum(0).tolist()
        everything = rows.new_zeros(ends[-1], rows.shape[1])
        everything[ends[self.rank] - len(rows) : ends[self.rank]] = rows
        return self.sum(everything)

    def any(self, *, flag: bool) -> bool:
        """Return True if the flag is set on at least one rank."""
        return bool(self.sum(torch.tensor(float(flag))) > 0)

    def take_first(self, value: int) -> int:
        """Return the first rank's value on every rank."""
        return int(self.sum(torch.tensor(value if self.is_first else 0)))

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all ranks, in place."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.size == 1 or not gradients:
            return
        total = self.sum(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = torch.split(total, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def share_state(self, network: nn.Module) -> None:
        """Give every rank the first rank's parameters and buffers."""
        if self.size == 1:
            return
        for tensor in network.state_dict().values():
            self._call(lambda shared=tensor: dist.broadcast(shared, src=0))  # type: ignore[misc]

    def _call(self, collective: Callable[[], object]) -> None:
        try:
            collective()
        except RuntimeError as error:
            raise LostRankError(self._name_lost()) from error

    def _name_lost(self) -> str:
        """Return a message that names the ranks which no longer answer.

        Leaving the group first closes the connections, so that ranks which wait for this one
        notice as well and answer.
        """
        assert self._store is not None
        dist.destroy_process_group()
        lost = []
        try:
            self._store.set(f"stopped/{self.rank}", "")
            for other in range(self.size):
                if not _answers(self._store, f"stopped/{other}"):
                    lost.append(other)
        except RuntimeError:
            lost = [0]  # without torchrun the store lives in rank 0
        named = ", ".join(str(rank) for rank in lost) or "(all answer: connection lost)"
        return (
            f"rank {self.rank}: rank {named} of {self.size} stopped answering; see its own output "
            "for the reason. The same command goes on from the last checkpoint"
        )


def _answers(store: Store, key: str) -> bool:
    try:
        store.wait([key], _ANSWER_TIME)
    except dist.DistStoreError:
        return False
    return True


@contextmanager
def open_ranks(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that torchrun started, or stand alone without it."""
    if "WORLD_SIZE" not in os.environ:
        yield Ranks()
        return
    store, rank, size = next(rendezvous("env://", timeout=_TIMEOUT))
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    # torchrun's store outlives a restart: addresses of dead processes must not be found in it.
    attempt = f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')} of {size} ranks"
    store = PrefixStore(attempt, store)
    dist.init_process_group(
        backend,
        store=PrefixStore("group", store),
        rank=rank,
        world_size=size,
        timeout=_TIMEOUT,
    )
    try:
        yield Ranks(rank, size, PrefixStore("trainer", store))
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
