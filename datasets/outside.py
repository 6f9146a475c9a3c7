"""Targets outside of their frames: few are mistakes, many mean boxes of other images."""

from collections.abc import Mapping

import polars as pl

from datasets.filters import OUTSIDE

_MANY = 0.05
"""Share of the targets that mistakes cannot explain: LaSOT has below 0.001."""
_ROUNDING_PX = 0.01
"""Tolerance: boxes are tested in double precision and stored in single."""

_LEFT, _TOP = pl.col("box_x"), pl.col("box_y")
_RIGHT, _BOTTOM = pl.col("box_x") + pl.col("box_w"), pl.col("box_y") + pl.col("box_h")
_INSIDE_W = pl.min_horizontal(_RIGHT, "frame_width") - pl.max_horizontal(_LEFT, pl.lit(0))
_INSIDE_H = pl.min_horizontal(_BOTTOM, "frame_height") - pl.max_horizontal(_TOP, pl.lit(0))

IS_OUTSIDE = pl.min_horizontal(_INSIDE_W, _INSIDE_H) < -_ROUNDING_PX
"""Condition on a manifest's rows: the target is wholly outside of its frame."""
_MOSTLY_OUTSIDE = (_INSIDE_W.clip(0) * _INSIDE_H.clip(0)) < pl.col("box_w") * pl.col("box_h") / 2


def outside_problem(counts: Mapping[str, int], rows: pl.DataFrame | None = None) -> str:
    """Return a problem in one line if many targets are outside of their frames, else an empty text.

    Args:
        counts: Frames dropped, by reason.
        rows: The manifest's rows, if they have positions and sizes; None if nothing was kept.
    """
    num_outside = counts.get(OUTSIDE, 0)
    num_kept, num_mostly = 0, 0
    if rows is not None and {"box_x", "box_y", "frame_width", "frame_height"} <= set(rows.columns):
        num_kept, num_mostly = rows.height, rows.filter(_MOSTLY_OUTSIDE).height
    if num_outside + num_mostly <= _MANY * (num_outside + num_kept):
        return ""
    return (
        f"{num_outside:,} targets lie wholly outside of their frames, and {num_mostly:,} of the "
        f"{num_kept:,} kept ones by over half of their area. The images were probably resized "
        "after they were annotated, or coordinates are swapped (x with y, or a right and bottom "
        "edge for width and height). Compare some boxes with their images"
    )
