"""Manifests of builds: columns, reading and writing, split, queries.

    from manifests import read_manifest
    manifest = read_manifest("data/shards/lasot/manifest.parquet", where="split = 'train'")
    manifest.rows, manifest.metadata.crop

Importing the package loads nothing; a name is loaded at its first use.
"""

from typing import TYPE_CHECKING

from commands.lazy import lazy_names

if TYPE_CHECKING:
    from manifests.crop_spec import CropSpec
    from manifests.schema import ManifestError
    from manifests.table import Manifest, Metadata, read_manifest, read_manifests, write_manifest
else:
    _TABLE = ("Manifest", "Metadata", "read_manifest", "read_manifests", "write_manifest")
    __getattr__ = lazy_names(
        __name__,
        {
            "CropSpec": "manifests.crop_spec",
            "ManifestError": "manifests.schema",
            **dict.fromkeys(_TABLE, "manifests.table"),
        },
    )


__all__ = [
    "CropSpec",
    "Manifest",
    "ManifestError",
    "Metadata",
    "read_manifest",
    "read_manifests",
    "write_manifest",
]
