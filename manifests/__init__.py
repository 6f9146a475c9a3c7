"""Manifests of builds: columns, reading and writing, split, queries.

    from manifests import read_manifest
    manifest = read_manifest("data/shards/lasot/manifest.parquet", where="split = 'train'")
    manifest.rows, manifest.metadata.crop

Importing the package loads nothing; a name is loaded at its first use.
"""

from typing import TYPE_CHECKING

from commands.lazy import lazy_names

if TYPE_CHECKING:
    from manifests.crop_spec import CropSpec as CropSpec
    from manifests.schema import ManifestError as ManifestError
    from manifests.table import Manifest as Manifest
    from manifests.table import Metadata as Metadata
    from manifests.table import read_manifest as read_manifest
    from manifests.table import read_manifests as read_manifests
    from manifests.table import write_manifest as write_manifest

_TABLE = ("Manifest", "Metadata", "read_manifest", "read_manifests", "write_manifest")
_MODULES = {
    "CropSpec": "manifests.crop_spec",
    "ManifestError": "manifests.schema",
    **dict.fromkeys(_TABLE, "manifests.table"),
}
__all__ = sorted(_MODULES)

if not TYPE_CHECKING:
    __getattr__ = lazy_names(__name__, _MODULES)
