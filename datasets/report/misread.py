"""Boxes that look misread or copied, from the columns of manifests alone."""

from collections.abc import Iterator, Sequence

import polars as pl

from manifests.table import Manifest

_COLUMNS = (
    *("source", "video", "track", "frame_width", "frame_height"),
    *("box_x", "box_y", "box_w", "box_h", "x_crc32"),
)
_FEWEST_ROWS = 10
"""Smallest number of rows of a video that is judged."""
_FEWEST_FRAMES = 20
"""Smallest number of frames of a track whose box never changes."""
_MARGIN = 0.05
"""Tolerated distance of a box's edge from its frame, as a share of the frame."""
_MANY, _FEW = 0.1, 0.01
"""Shares of the boxes that leave their frames: as written, and in the right reading."""
_MANY_CONSTANT = 0.1
"""Share of the long tracks that may well stand still."""

_X, _Y, _W, _H = (pl.col(f"box_{side}") for side in "xywh")
_FRAME_W, _FRAME_H = pl.col("frame_width"), pl.col("frame_height")


def _leaves(left: pl.Expr, top: pl.Expr, right: pl.Expr, bottom: pl.Expr) -> pl.Expr:
    """Return the condition that a box is empty or leaves its frame."""
    return (
        (left < -_MARGIN * _FRAME_W)
        | (top < -_MARGIN * _FRAME_H)
        | (right > (1 + _MARGIN) * _FRAME_W)
        | (bottom > (1 + _MARGIN) * _FRAME_H)
        | (right <= left)
        | (bottom <= top)
    )


_READINGS = {
    "as left, top, right, bottom": _leaves(_X, _Y, _W, _H),
    "with x and y swapped": _leaves(_Y, _X, _Y + _H, _X + _W),
}


def misread_boxes(manifests: Sequence[Manifest]) -> list[str]:
    """Return one line per source with boxes that look misread, or copied from frame to frame."""
    tables = [
        manifest.rows.select(_COLUMNS)
        for manifest in manifests
        if set(_COLUMNS) <= set(manifest.rows.columns)
    ]
    if not tables:
        return []
    rows = pl.concat(tables).with_columns(pl.col("source", "video", "track").cast(pl.String))
    return [*_other_readings(rows), *_constant_boxes(rows)]


def _other_readings(rows: pl.DataFrame) -> Iterator[str]:
    """Yield sources with videos whose boxes leave their frames, but not in another reading."""
    shares = (
        rows.group_by("source", "video")
        .agg(
            pl.len(),
            _leaves(_X, _Y, _X + _W, _Y + _H).mean().alias("as written"),
            *(leaves.mean().alias(reading) for reading, leaves in _READINGS.items()),
        )
        .filter((pl.col("len") >= _FEWEST_ROWS) & (pl.col("as written") >= _MANY))
        .sort("source", "video")
    )
    for (source,), videos in shares.group_by("source", maintain_order=True):
        for reading in _READINGS:
            names = videos.filter(pl.col(reading) <= _FEW)["video"]
            if len(names):
                yield (
                    f"{source}: boxes of {len(names)} videos, such as {names[0]}, leave their "
                    f"frames, and lie inside {reading}. Correct the annotations to x,y,w,h, and "
                    "build again"
                )


def _constant_boxes(rows: pl.DataFrame) -> Iterator[str]:
    """Yield sources where many tracks have one box in all frames, over changing pictures."""
    box = pl.struct("box_x", "box_y", "box_w", "box_h")
    tracks = (
        rows.group_by("source", "track")
        .agg(pl.len(), box.n_unique().alias("boxes"), pl.col("x_crc32").n_unique().alias("crops"))
        .filter(pl.col("len") >= _FEWEST_FRAMES)
        .with_columns(((pl.col("boxes") == 1) & (pl.col("crops") > 1)).alias("constant"))
        .sort("source", "track")
    )
    for (source,), part in tracks.group_by("source", maintain_order=True):
        names = part.filter("constant")["track"]
        if len(names) > _MANY_CONSTANT * part.height:
            yield (
                f"{source}: {len(names)} of {part.height} tracks, such as {names[0]}, have one box "
                "in all of their frames, though the pictures differ. Look whether the targets "
                "stand still or the boxes were copied"
            )
