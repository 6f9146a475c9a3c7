"""Regions of the VOT challenge: polygons, and overlap as its toolkit counts pixels.

A region is (8,) x and y of four corners of a convex quadrangle, in pixels whose centres have whole
coordinates, counted from 0. The toolkit rounds the corners and fills pixels line by line, both ends
of a line included, so that a rectangle x, y, w, h covers the pixels from x to x + w. Exact polygon
clipping and other rasterisers differ from it in the third digit of an accuracy.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_ROWS_AT_ONCE = 200_000
"""Lines of pixels that are filled in one step; bounds memory at about 100 MB."""


def rectangles_to_polygons(boxes_xywh: Floats) -> Floats:
    """Return (T, 8) corners of (T, 4) rectangles, in the single precision of the toolkit."""
    x, y, w, h = np.asarray(boxes_xywh, np.float32).T
    right, bottom = x + w, y + h
    return np.stack([x, y, right, y, right, bottom, x, bottom], axis=1).astype(np.float64)


def start_box(polygon: Floats) -> Floats:
    """Return (4,) left, top, width, height from the image's corner, as trackers are started.

    It has the polygon's centre and area, and the aspect of its axis-aligned bounds. A corner's
    coordinates are a pixel's centre, hence half a pixel on either side.
    """
    corners = polygon.reshape(4, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    center = corners.mean(axis=0) + 0.5
    area = np.linalg.norm(corners[0] - corners[1]) * np.linalg.norm(corners[1] - corners[2])
    bounds = (high - low).prod()
    size = (high - low) * np.sqrt(area / bounds if bounds > 0 else 1.0) + 1
    return np.concatenate([center - size / 2, size])


def to_region(box_xywh: Floats) -> Floats:
    """Return the (4,) rectangle x, y, w, h that covers the same pixels for the toolkit."""
    return np.asarray(box_xywh - np.array([0.0, 0.0, 1.0, 1.0]))


def overlaps(first: Floats, second: Floats, *, bounds: tuple[int, int]) -> Floats:
    """Return (T,) intersection over union of two lists of regions, counted in pixels.

    Args:
        first: (T, 8) corners.
        second: (T, 8) corners.
        bounds: Last column and last row that count; the first are 0.

    Returns:
        (T,) overlaps; NaN where a region is NaN, 0 where both are empty.
    """
    known = ~np.isnan(first).any(axis=1) & ~np.isnan(second).any(axis=1)
    result = np.full(len(first), np.nan)
    chosen = np.flatnonzero(known)
    # Corners count from the window that holds both regions: it decides the last bit of a crossing.
    corner = _window_corners(first[chosen], second[chosen])
    ours, theirs = (_round(polygons[chosen], corner) for polygons in (first, second))
    last = np.array(bounds) - corner
    tops = np.maximum(np.minimum(ours[:, :, 1].min(axis=1), theirs[:, :, 1].min(axis=1)), 0)
    bottoms = np.maximum(ours[:, :, 1].max(axis=1), theirs[:, :, 1].max(axis=1))
    heights = np.maximum(np.minimum(bottoms, last[:, 1]) - tops + 1, 0)
    parts = (np.cumsum(heights) // _ROWS_AT_ONCE).astype(np.int64)
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        result[chosen[rows]] = _overlap_rows(
            ours[rows], theirs[rows], tops[rows], heights[rows], last[rows, 0]
        )
    apart = ~_bounds_meet(first[chosen], second[chosen], bounds)
    result[chosen[apart]] = 0
    return result


def _overlap_rows(
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    tops: NDArray[np.int64],
    heights: NDArray[np.int64],
    last_columns: NDArray[np.int64],
) -> Floats:
    """Compare (N, 4, 2) corners line by line; N frames of ``heights`` lines from ``tops``."""
    frame = np.repeat(np.arange(len(ours)), heights)  # (R,) frame of each line
    first_row = np.repeat(np.cumsum(heights) - heights, heights)
    y = np.arange(len(frame)) - first_row + tops[frame]
    left_1, right_1 = _fill(ours, frame, y, last_columns[frame])
    left_2, right_2 = _fill(theirs, frame, y, last_columns[frame])
    both = np.maximum(np.minimum(right_1, right_2) - np.maximum(left_1, left_2) + 1, 0)
    either = np.maximum(right_1 - left_1 + 1, 0) + np.maximum(right_2 - left_2 + 1, 0) - both
    shared = np.bincount(frame, weights=both, minlength=len(ours))
    total = np.bincount(frame, weights=either, minlength=len(ours))
    return np.asarray(np.divide(shared, total, out=np.zeros(len(ours)), where=total > 0))


def _bounds_meet(first: Floats, second: Floats, last: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (T,) whether the regions' whole-pixel bounds share an area; else overlap is 0."""
    sides = []
    for polygons in (first, second):
        corners = polygons.astype(np.float32).reshape(-1, 4, 2)
        low = np.maximum(np.floor(corners.min(axis=1)), 0)
        high = np.minimum(np.ceil(corners.max(axis=1)), last)
        sides.append((low, high))
    (low_1, high_1), (low_2, high_2) = sides
    shared = np.minimum(high_1, high_2) - np.maximum(low_1, low_2)
    return np.asarray((shared > 0).all(axis=1))


def _fill(
    corners: NDArray[np.int64],
    frame: NDArray[np.int64],
    y: NDArray[np.int64],
    last_column: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Return (R,) first and last pixel of each line; the first is larger where it is empty."""
    left, right = np.full(len(y), np.inf), np.full(len(y), -1.0)
    for start, end in ((0, 3), (1, 0), (2, 1), (3, 2)):
        run, rise = (corners[:, end] - corners[:, start]).T
        low = np.minimum(corners[:, start, 1], corners[:, end, 1])
        high = np.where(rise == 0, low - 1, np.maximum(corners[:, start, 1], corners[:, end, 1]))
        divisor = np.where(rise == 0, 1, rise)
        edges = np.stack([*corners[:, start].T, divisor, run, low, high], axis=1)
        x_1, y_1, height, width, first, last = edges.astype(np.float64)[frame].T
        x = np.trunc(x_1 + (y - y_1) / height * width)
        crossed = (first <= y) & (y <= last)
        np.minimum(left, x, out=left, where=crossed)
        np.maximum(right, x, out=right, where=crossed)
    # The toolkit takes two equal ends for one corner seen twice: a line of one pixel stays empty.
    right = np.where(left == right, -1, right)
    return np.maximum(left, 0), np.minimum(right, last_column)


def _window_corners(first: Floats, second: Floats) -> NDArray[np.int64]:
    """Return (T, 2) first column and row of the window that holds both regions, in the image."""
    both = np.concatenate([first, second], axis=1).astype(np.float32).reshape(-1, 8, 2)
    corners: NDArray[np.int64] = np.maximum(np.floor(both.min(axis=1)), 0).astype(np.int64)
    return corners


def _round(polygons: Floats, corner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (T, 4, 2) corners in whole pixels of the window; halves go away from zero."""
    single = polygons.astype(np.float32).reshape(-1, 4, 2)
    single = single - corner[:, None].astype(np.float32)
    return np.trunc(single.astype(np.float64) + np.copysign(0.5, single)).astype(np.int64)
