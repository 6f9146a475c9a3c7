"""Refuses forked processes, which inherit locks without their owners and hang."""

import os


class ForkGuard:
    """Remembers the process that made it; a copy that was sent to another belongs there."""

    def __init__(self) -> None:
        self._number = os.getpid()

    def check(self) -> None:
        """Check that this is still the same process.

        Raises:
            RuntimeError: It is a fork of it, where polars and fsspec wait for threads that are
                not there.
        """
        if os.getpid() != self._number:
            raise RuntimeError(
                f"process {os.getpid()} was forked from {self._number}, which read the manifests; "
                "polars and fsspec hang after a fork. Pass multiprocessing_context='spawn' to the "
                "DataLoader"
            )

    def __reduce__(self) -> tuple[type["ForkGuard"], tuple[()]]:
        return ForkGuard, ()
