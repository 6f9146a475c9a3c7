"""Pictures of many crops, with their boxes from the manifest."""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import polars as pl

from datasets.images import Image, decode_image
from datasets.read_crop import read_jpeg
from manifests.table import Manifest

_BOX_RGB = (0, 230, 64)
_PAPER = 255
_GAP_PX = 4
_LABEL_PX = 16


def contact_sheet(manifests: Sequence[Manifest], rows: pl.DataFrame, *, tile_px: int) -> Image:
    """Return search crops with their boxes in a grid, each with its template in the corner.

    Args:
        manifests: The manifests of the rows.
        rows: The rows to show, in order, with their manifest's number in ``manifest``.
        tile_px: Side of each crop in the picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    columns = max(round(math.sqrt(1.5 * rows.height)), 1)  # half as wide again as high
    tiles = [
        _labelled(crop_tile(manifests[row["manifest"]], row, tile_px=tile_px), row)
        for row in rows.iter_rows(named=True)
    ]
    blank = np.full((tile_px + _LABEL_PX + _GAP_PX, tile_px + _GAP_PX, 3), _PAPER, np.uint8)
    tiles += [blank] * (-len(tiles) % columns)
    lines = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(lines)


def crop_tile(
    manifest: Manifest, row: dict[str, Any], *, tile_px: int, template: bool = True
) -> Image:
    """Return (tile_px, tile_px, 3) a search crop with its box, and its template in the corner."""
    search = decode_image(read_jpeg(manifest.url, row, "x"))
    shrink = tile_px / search.shape[0]
    tile = _resized(search, tile_px)
    half = np.array([row["box_w"], row["box_h"]]) * row["scale"] * shrink / 2
    corners = np.round(np.concatenate([tile_px / 2 - half, tile_px / 2 + half]) - 0.5).astype(int)
    cv2.rectangle(tile, corners[:2].tolist(), corners[2:].tolist(), _BOX_RGB, 1, cv2.LINE_AA)
    if template:
        stored = decode_image(read_jpeg(manifest.url, row, "z"))
        small = _resized(stored, round(stored.shape[0] * shrink * 0.6))
        end = small.shape[0]
        tile[: end + 1, : end + 1] = _PAPER  # a line between the two, which may look alike
        tile[:end, :end] = small
    return tile


def crop_strip(manifests: Sequence[Manifest], rows: pl.DataFrame, *, tile_px: int) -> Image:
    """Return (tile_px, W, 4) the rows' search crops with their boxes side by side, RGBA."""
    tiles = []
    for row in rows.iter_rows(named=True):
        tile = crop_tile(manifests[row["manifest"]], row, tile_px=tile_px, template=False)
        opaque = cv2.cvtColor(tile, cv2.COLOR_RGB2RGBA)
        tiles.append(np.pad(opaque, ((0, 0), (0, _GAP_PX), (0, 0))))
    return np.hstack(tiles)


def _labelled(tile: Image, row: dict[str, Any]) -> Image:
    side = tile.shape[0]
    canvas = np.full((side + _LABEL_PX + _GAP_PX, side + _GAP_PX, 3), _PAPER, np.uint8)
    canvas[:side, :side] = tile
    label = f"{row['track'][-20:]} {row['frame']}"
    at, font = (2, side + _LABEL_PX - 4), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(canvas, label, at, font, 0.36, (90, 90, 90), 1, cv2.LINE_AA)
    canvas[:, side:] = _PAPER
    return canvas


def _resized(image: Image, side: int) -> Image:
    method = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_LINEAR
    resized: Image = cv2.resize(image, (side, side), interpolation=method)
    return resized
