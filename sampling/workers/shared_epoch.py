"""The number of an epoch, shared with a DataLoader's worker processes."""

import torch


class SharedEpoch:
    """A number in shared memory: workers that stay (``persistent_workers``) see it change.

    Without it they would go through the epoch that they were started in again and again.
    """

    def __init__(self, epoch: int) -> None:
        self._number = torch.tensor(epoch)
        self._number.share_memory_()  # type: ignore[no-untyped-call]

    def set(self, epoch: int) -> None:
        """Set the epoch in all processes that have a copy."""
        self._number.fill_(epoch)

    def get(self) -> int:
        """Return the current epoch."""
        return int(self._number)
