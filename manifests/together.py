"""Several manifests read together: their rows in one table, their crops compared."""

import dataclasses
from collections.abc import Sequence

import polars as pl

from manifests.crop_spec import CropSpec
from manifests.schema import ManifestError
from manifests.table import Manifest


def require_crop(manifests: Sequence[Manifest], crop: CropSpec, *, of: str) -> None:
    """Check that all manifests have crops of the same sizes and scale; margins may differ.

    Args:
        manifests: The manifests to read together.
        crop: The expected sizes and scale.
        of: The reader that expects them, for errors, such as "the network".

    Raises:
        ManifestError: A manifest has others.
    """
    for manifest in manifests:
        made = manifest.metadata.crop
        if dataclasses.replace(made, margin=crop.margin) != crop:
            raise ManifestError(
                f"{manifest.url}: {made}, expected {crop} for {of}. Build it again, into another "
                f"--out, with --template-size {crop.template} --search-size {crop.search}"
            )


def with_manifest(manifests: Sequence[Manifest]) -> pl.DataFrame:
    """Return the rows of all manifests, with the manifest's number in a column of that name."""
    return pl.concat(
        [
            manifest.rows.with_columns(pl.lit(number, pl.Int32).alias("manifest"))
            for number, manifest in enumerate(manifests)
        ]
    )
