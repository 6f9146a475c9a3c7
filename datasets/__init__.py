"""From raw datasets to sharded crops: sources, geometry, shards, build, verify, report.

Hugging Face's library has the same name. Its public names raise an ImportError with the reason, so
that code written for that library fails at once.
"""

from typing import NoReturn

_HUGGING_FACE_NAMES = frozenset(
    {"Dataset", "DatasetDict", "IterableDataset", "load_dataset", "load_from_disk"}
)


def __getattr__(name: str) -> NoReturn:
    """Raise ImportError for a name of Hugging Face's library, else AttributeError."""
    if name in _HUGGING_FACE_NAMES:
        raise ImportError(
            f"{name!r} is part of Hugging Face's 'datasets', but {__file__} was imported: its "
            "folder comes first on sys.path. Run that code from another folder or process."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
