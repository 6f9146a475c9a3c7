"""From shards to training pairs: plan, reading, augmentation, batches.

    from sampling import AugmentSettings, PairLoader, PairSettings

Importing the package loads nothing; a name is loaded at its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sampling.augment import AugmentSettings
    from sampling.batch import PairBatch
    from sampling.dataset import PairDataset
    from sampling.loader import PairLoader
    from sampling.plan import PairSettings
    from sampling.remote.cache import CacheSettings
    from sampling.remote.reader import RetrySettings
else:
    _MODULES = {
        "AugmentSettings": "sampling.augment",
        "CacheSettings": "sampling.remote.cache",
        "PairBatch": "sampling.batch",
        "PairDataset": "sampling.dataset",
        "PairLoader": "sampling.loader",
        "PairSettings": "sampling.plan",
        "RetrySettings": "sampling.remote.reader",
    }

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use: torch takes seconds."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


__all__ = [
    "AugmentSettings",
    "CacheSettings",
    "PairBatch",
    "PairDataset",
    "PairLoader",
    "PairSettings",
    "RetrySettings",
]
