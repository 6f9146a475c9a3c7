"""Near-duplicate footage: pictures of training crops and of a benchmark's targets, compared.

Both sides show the target in the middle at the scale of the search crop, so that a copy that was
resized or cut at its borders still gives the same picture. The benchmark's side is cut at several
scales and compared mirrored too, because annotators draw boxes differently.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import fsspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE, box_center, template_side
from datasets.crops import Image, channel_mean, crop_square, decode_image
from datasets.files import RawFiles
from datasets.hashes import (
    THUMB_PX,
    Thumbs,
    has_detail,
    hash_table,
    hash_thumbs,
    near_pairs,
    thumb,
)
from datasets.tracks import SourceError, Track
from manifests.schema import ManifestError
from manifests.table import Manifest, shard_url

WINDOW_SCALES = (0.85, 1.0, 1.18)
"""Sides of the benchmark's windows, in search crops."""
_WINDOW_PX = 2 * THUMB_PX
_NEAREST = 8
_QUERIES = 4096

Progress = Callable[[int], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How alike two pictures must be to count as the same footage."""

    max_distance: int = 11
    """Bits of 64 in which the hashes of a proposed pair may differ."""
    least_likeness: float = 0.8
    """Correlation, up to 1, that the pictures of a pair need."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Footage:
    """The benchmark's side: N frames, each as a picture at W scales."""

    track: NDArray[np.int32]
    """(N,) number of the sequence."""
    frame: NDArray[np.int32]
    """(N,) index of the frame in it."""
    thumbs: Thumbs
    """(N, W, 32, 32)"""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Matches:
    """P pairs of a training crop and a frame of the benchmark that show the same."""

    row: NDArray[np.int64]
    """(P,) row of the training crops."""
    item: NDArray[np.int64]
    """(P,) frame of the footage."""
    distance: NDArray[np.uint8]
    """(P,) bits in which their hashes differ."""
    likeness: NDArray[np.float64]
    """(P,) correlation of the two pictures, 1 for the same."""


def crop_thumbs(
    manifest: Manifest, rows: pl.DataFrame, *, progress: Progress, threads: int = 2
) -> Thumbs:
    """Return (N, 32, 32) pictures of the rows' search crops, without their margin.

    Raises:
        ManifestError: A shard is missing, or holds something else than pictures.
    """
    thumbs = np.zeros((rows.height, THUMB_PX, THUMB_PX), np.uint8)
    share = manifest.metadata.search_size / (
        manifest.metadata.search_size + 2 * manifest.metadata.margin
    )
    numbered = rows.select("shard", "x_offset", "x_bytes").with_row_index("place")
    parts = numbered.partition_by("shard", maintain_order=True)

    def read(part: pl.DataFrame) -> None:
        url = shard_url(manifest.url, part["shard"][0])
        with fsspec.open(url, "rb") as shard:
            for place, _, offset, length in part.sort("x_offset").iter_rows():
                shard.seek(offset)
                try:
                    image = decode_image(shard.read(length), reduce=4)
                except ValueError as error:
                    raise ManifestError(f"{url}: bytes at {offset}: {error}") from error
                thumbs[place] = thumb(image, share=share)
                progress(1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, parts))
    return thumbs


def read_footage(
    files: RawFiles, tracks: Sequence[Track], *, every: int, progress: Progress, threads: int = 2
) -> Footage:
    """Return the benchmark's pictures, of every so many visible frames."""
    places = [
        (number, int(frame))
        for number, track in enumerate(tracks)
        for frame in np.flatnonzero(track.visible)[::every]
    ]

    def read(place: tuple[int, int]) -> Thumbs:
        windows = target_windows(files, tracks[place[0]], place[1])
        progress(1)
        return np.stack([thumb(window) for window in windows])

    with ThreadPoolExecutor(threads) as pool:
        thumbs = list(pool.map(read, places))
    if not thumbs:
        raise SourceError(f"{files.root}: no visible target in {len(tracks)} sequences")
    number, frame = np.array(places, np.int32).T
    return Footage(track=number, frame=frame, thumbs=np.stack(thumbs))


def target_windows(
    files: RawFiles, track: Track, frame: int, *, size: int = _WINDOW_PX
) -> list[Image]:
    """Return the search windows around a sequence's target, one for each scale."""
    name, box_xywh = track.frames[frame], track.boxes_xywh[frame]
    side = template_side(box_xywh[2], box_xywh[3]) * SEARCH_SIZE / TEMPLATE_SIZE
    reduce = next(each for each in (8, 4, 2, 1) if each == 1 or side / each >= size)
    try:
        image = decode_image(files.read(name), reduce=reduce)
    except ValueError as error:
        raise SourceError(f"{files.root}/{name}: {error}") from error
    x, y = box_center(box_xywh)
    fill = channel_mean(image)
    return [
        crop_square(
            image,
            center=(x / reduce, y / reduce),
            side=side * scale / reduce,
            size=size,
            fill=fill,
        )
        for scale in WINDOW_SCALES
    ]


def find_matches(
    crops: Thumbs,
    footage: Footage,
    limits: Limits,
    *,
    progress: Progress = lambda done: None,
) -> Matches:
    """Return the crops that show what a frame of the benchmark shows.

    Hashes propose pairs, and the correlation of the two pictures decides.

    Args:
        crops: (N, 32, 32) pictures of training crops.
        footage: The benchmark.
        limits: How alike a pair must be.
        progress: Called with the number of pictures that were looked up; each frame is looked up
            at every scale, plain and mirrored.
    """
    usable = np.flatnonzero(has_detail(crops))
    table = hash_table(hash_thumbs(crops)[0][usable])
    found = []
    for scale in range(footage.thumbs.shape[1]):
        pictures = footage.thumbs[:, scale]
        detailed = np.flatnonzero(has_detail(pictures))
        for mirrored, queries in enumerate(hash_thumbs(pictures)):
            looks = pictures[:, :, ::-1] if mirrored else pictures
            for start in range(0, detailed.size, _QUERIES):
                part = detailed[start : start + _QUERIES]
                near = near_pairs(queries[part], table, max_distance=limits.max_distance)
                query, place, distance = _nearest(*near)
                row, item = usable[place], part[query]
                likeness = _likeness(crops, row, looks, item)
                same = likeness >= limits.least_likeness
                found.append((row[same], item[same], distance[same], likeness[same]))
                progress(part.size)
    row, item, distance, likeness = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Matches(row=row, item=item, distance=distance, likeness=likeness)


def _nearest(
    query: NDArray[np.int64], place: NDArray[np.int64], distance: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Keep the nearest few of each query: in still footage every frame is near every other."""
    order = np.lexsort((distance, query))
    query, place, distance = query[order], place[order], distance[order]
    rank = np.arange(query.size) - np.searchsorted(query, query)
    kept = rank < _NEAREST
    return query[kept], place[kept], distance[kept]


def _likeness(
    crops: Thumbs, row: NDArray[np.int64], pictures: Thumbs, item: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (P,) the best correlation over small shifts: annotators disagree by a few pixels."""
    result = np.zeros(row.size)
    for index, (one, other) in enumerate(zip(row, item, strict=True)):
        middle = pictures[other][3:-3, 3:-3]
        found = cv2.matchTemplate(crops[one], middle, cv2.TM_CCOEFF_NORMED)
        result[index] = found.max()
    return result
