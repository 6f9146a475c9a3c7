"""Manifests of builds: columns, reading and writing, split, queries.

    from manifests import read_manifest
    manifest = read_manifest("data/shards/lasot/manifest.parquet", where="split = 'train'")
    manifest.rows, manifest.metadata.crop

Importing the package loads nothing; a name is loaded at its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifests.crop_spec import CropSpec
    from manifests.schema import ManifestError
    from manifests.table import Manifest, Metadata, read_manifest, read_manifests, write_manifest

__all__ = [
    "CropSpec",
    "Manifest",
    "ManifestError",
    "Metadata",
    "read_manifest",
    "read_manifests",
    "write_manifest",
]

_MODULES = {"CropSpec": "manifests.crop_spec", "ManifestError": "manifests.schema"}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "manifests.table")), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
