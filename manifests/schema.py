"""The columns of a manifest: names, types, units; the source of the table in the docs."""

from typing import NamedTuple

import polars as pl

SCHEMA_VERSION = 1


class ManifestError(ValueError):
    """A manifest is missing, of another version, or does not fit the shards beside it."""


class Column(NamedTuple):
    """One column of a manifest."""

    name: str
    dtype: pl.DataType
    unit: str
    meaning: str


COLUMNS = (
    Column("source", pl.Categorical(), "", "raw dataset, such as coco"),
    Column("video", pl.Categorical(), "", "what the track was cut from"),
    Column("group", pl.Categorical(), "", "unit that the train/val split does not tear"),
    Column("track", pl.Categorical(), "", "one target in one video, unique within its source"),
    Column("category", pl.Categorical(), "", "class of the target, as its source names it"),
    Column("split", pl.Categorical(), "", "train or val"),
    Column("frame", pl.Int32(), "", "frame number of the raw dataset; gaps are gaps in time"),
    Column("shard", pl.Categorical(), "", "tar file, relative to the manifest"),
    Column("z_offset", pl.Int64(), "bytes", "where the template JPEG starts in the shard"),
    Column("z_bytes", pl.Int32(), "bytes", "length of the template JPEG"),
    Column("z_crc32", pl.UInt32(), "", "checksum of the template JPEG"),
    Column("x_offset", pl.Int64(), "bytes", "where the search JPEG starts in the shard"),
    Column("x_bytes", pl.Int32(), "bytes", "length of the search JPEG"),
    Column("x_crc32", pl.UInt32(), "", "checksum of the search JPEG"),
    Column("frame_width", pl.Int32(), "image px", "width of the frame"),
    Column("frame_height", pl.Int32(), "image px", "height of the frame"),
    Column("box_x", pl.Float32(), "image px", "left edge of the target, 0 is the image's edge"),
    Column("box_y", pl.Float32(), "image px", "top edge of the target"),
    Column("box_w", pl.Float32(), "image px", "width of the target"),
    Column("box_h", pl.Float32(), "image px", "height of the target"),
    Column("scale", pl.Float32(), "crop px / image px", "of both crops; target_w = box_w * scale"),
    Column("occluded", pl.Boolean(), "", "partly occluded; null where the source does not say"),
    Column("truncated", pl.Boolean(), "", "cut by the image border; null as above"),
    Column("generated", pl.Boolean(), "", "box interpolated, not drawn by hand; null as above"),
)
"""All columns, in the order in which they are stored."""

SCHEMA = pl.Schema({column.name: column.dtype for column in COLUMNS})
