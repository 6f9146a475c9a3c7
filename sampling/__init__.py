"""From shards to training pairs: plan, reading, augmentation, batches.

    from sampling import AugmentSettings, PairLoader, PairSettings

Importing the package loads nothing; a name is loaded at its first use.
"""

from typing import TYPE_CHECKING

from commands.lazy import lazy_names

if TYPE_CHECKING:
    from commands.retry import RetrySettings as RetrySettings
    from sampling.augment import AugmentSettings as AugmentSettings
    from sampling.batch import PairBatch as PairBatch
    from sampling.dataset import PairDataset as PairDataset
    from sampling.loader import PairLoader as PairLoader
    from sampling.plan import PairSettings as PairSettings
    from sampling.remote.cache import CacheSettings as CacheSettings

_MODULES = {
    "AugmentSettings": "sampling.augment",
    "CacheSettings": "sampling.remote.cache",
    "PairBatch": "sampling.batch",
    "PairDataset": "sampling.dataset",
    "PairLoader": "sampling.loader",
    "PairSettings": "sampling.plan",
    "RetrySettings": "commands.retry",
}
__all__ = list(_MODULES)

if not TYPE_CHECKING:
    __getattr__ = lazy_names(__name__, _MODULES)
