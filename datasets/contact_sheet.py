"""Pictures of many crops at once, with the boxes that the manifest gives them."""

from typing import Any

import cv2
import numpy as np
import polars as pl

from datasets.crops import Image, decode_image
from datasets.stored import read_jpeg
from manifests.table import Manifest

_BOX_RGB = (0, 230, 64)
_PAPER = 255


def contact_sheet(manifest: Manifest, rows: pl.DataFrame, *, columns: int = 8) -> Image:
    """Return search crops with their boxes in a grid, each with its template in the corner.

    Args:
        manifest: Where the rows come from.
        rows: The rows to show, in order.
        columns: Crops side by side.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    tiles = [_tile(manifest, row) for row in rows.iter_rows(named=True)]
    side = max(tile.shape[0] for tile in tiles)
    blank = np.full((side, side, 3), _PAPER, np.uint8)
    tiles += [blank] * (-len(tiles) % columns)
    lines = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(lines)


def _tile(manifest: Manifest, row: dict[str, Any]) -> Image:
    search = decode_image(read_jpeg(manifest.url, row, "x"))
    template = decode_image(read_jpeg(manifest.url, row, "z"))
    size = search.shape[0]
    half = np.array([row["box_w"], row["box_h"]]) * row["scale"] / 2
    corners = np.round(np.concatenate([size / 2 - half, size / 2 + half]) - 0.5).astype(int)
    cv2.rectangle(search, corners[:2].tolist(), corners[2:].tolist(), _BOX_RGB, 1, cv2.LINE_AA)
    small = cv2.resize(template, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    search[: small.shape[0], : small.shape[1]] = small
    label = f"{row['track']} {row['frame']}"[-34:]
    cv2.putText(search, label, (3, size - 5), cv2.FONT_HERSHEY_PLAIN, 0.8, (0, 0, 0), 3)
    cv2.putText(search, label, (3, size - 5), cv2.FONT_HERSHEY_PLAIN, 0.8, (255, 255, 255), 1)
    return np.pad(search, ((0, 4), (0, 4), (0, 0)), constant_values=_PAPER)
