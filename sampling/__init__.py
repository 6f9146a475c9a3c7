"""From shards to training pairs: plan, reading, augmentation, batches.

    from sampling import AugmentSettings, PairLoader, PairSettings

Importing the package loads nothing; a name is loaded at its first use.
"""

from typing import TYPE_CHECKING

from commands.lazy import lazy_names

if TYPE_CHECKING:
    from commands.retry import RetrySettings
    from sampling.augment import AugmentSettings
    from sampling.batch import PairBatch
    from sampling.dataset import PairDataset
    from sampling.loader import PairLoader
    from sampling.plan import PairSettings
    from sampling.remote.cache import CacheSettings
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "AugmentSettings": "sampling.augment",
            "CacheSettings": "sampling.remote.cache",
            "PairBatch": "sampling.batch",
            "PairDataset": "sampling.dataset",
            "PairLoader": "sampling.loader",
            "PairSettings": "sampling.plan",
            "RetrySettings": "commands.retry",
        },
    )

__all__ = [
    "AugmentSettings",
    "CacheSettings",
    "PairBatch",
    "PairDataset",
    "PairLoader",
    "PairSettings",
    "RetrySettings",
]
