"""Where a network can run on this machine."""

import torch

from datasets.tracks import SourceError


def check_device(name: str, *, option: str = "--device") -> None:
    """Try a device before anything is loaded or written.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` and what else torch knows.
        option: What an error names.

    Raises:
        SourceError: torch does not know it, or finds none of the kind here.
    """
    try:
        torch.zeros(1, device=name).cpu()
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise SourceError(f"{option}: {name!r} cannot be used here: {reason}. Pass cpu") from error
