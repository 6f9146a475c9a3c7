"""Crops of noise to measure with, where no real ones are given."""

from pathlib import Path

from tests.support.crops import MadeTrack, write_crops

__all__ = ["MadeTrack", "write_crops", "noise_crops"]


def noise_crops(folder: Path) -> str:
    """Write eight short tracks, two of them for validation, and return their manifest's name."""
    tracks = [
        MadeTrack(name=f"t{index}", frames=range(8), video=f"v{index}", split=split)
        for index, split in enumerate(["train"] * 6 + ["val"] * 2)
    ]
    return write_crops(folder, tracks, margin=16)
