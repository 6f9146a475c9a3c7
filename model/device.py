"""The device that a network runs on."""

import os

import torch


class DeviceError(OSError):
    """A device that torch cannot use here."""


def choose_device(name: str, *, option: str = "--device") -> torch.device:
    """Return a device after a test that torch can use it.

    Args:
        name: ``auto`` is the GPU of this process, or the CPU if torch finds no GPU; ``cuda`` the
            GPU of this process; others are names of torch: ``cpu``, ``cuda:1``, ``mps``.
        option: Name of the option in an error.

    Raises:
        DeviceError: torch does not know the device, or cannot use it.
    """
    num_gpus, local_rank = torch.cuda.device_count(), int(os.environ.get("LOCAL_RANK", "0"))
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and local_rank >= max(num_gpus, 1):
        raise DeviceError(
            f"{option} cuda: torch finds {num_gpus} GPUs here, and process {local_rank} of this "
            f"machine needs one. Start one process per GPU (--nproc-per-node), or take {option} cpu"
        )
    try:
        device = torch.device(name, local_rank) if name == "cuda" else torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DeviceError(f"{option}: {name!r} cannot be used here: {reason}. Pass cpu") from error
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device
