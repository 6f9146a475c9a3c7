"""The train/val split: by group, exact, independent of order and machine."""

import hashlib
from collections.abc import Iterable


def assign_splits(
    groups: Iterable[str], *, source: str, seed: int, val_fraction: float
) -> dict[str, str]:
    """Return ``"train"`` or ``"val"`` for every group of a source.

    Groups are ordered by a keyed hash of (seed, source, group) and the first share is val:
    round(val_fraction * groups), and at least one where there are two groups or more.

    Raises:
        ValueError: ``val_fraction`` is not in [0, 1).
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction must be at least 0 and below 1, got {val_fraction}")
    ordered = sorted(set(groups), key=lambda group: _keyed_hash(f"{source}\0{group}", seed))
    num_val = round(val_fraction * len(ordered))
    if val_fraction > 0 and len(ordered) > 1:
        num_val = min(max(num_val, 1), len(ordered) - 1)
    return {group: "val" if i < num_val else "train" for i, group in enumerate(ordered)}


def _keyed_hash(text: str, seed: int) -> bytes:
    return hashlib.blake2b(text.encode(), key=str(seed).encode(), digest_size=16).digest()
