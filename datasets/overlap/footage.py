"""Grey pictures of training crops and of a benchmark's targets, 32 px per side.

Both show the target in the middle at the scale of the search crop, so that a copy that was resized
or cut at its borders still gives the same picture. The benchmark's are cut at several scales,
because annotators draw boxes differently.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from commands.files import whole_file
from commands.stores import open_file
from datasets.crops import box_center, channel_mean, crop_square
from datasets.files.folders import RawFiles
from datasets.images import Grey, Image, decode_grey, decode_image
from datasets.levels import levels_of
from datasets.overlap.hashes import THUMB_PX, Thumbs, thumb
from datasets.tracks import SourceError, Track
from manifests.crop_spec import CropSpec
from manifests.schema import ManifestError
from manifests.shards import shard_url
from manifests.table import Manifest

WINDOW_SCALES = (0.85, 1.0, 1.18)
"""Sides of the benchmark's windows, relative to the search crop."""
MIDDLE = 1
"""Index of the search crop itself among them."""
_WINDOW_PX = 2 * THUMB_PX
_CROPS_AT_ONCE = 1000
_KEPT = "{}-thumbs.npy"

Progress = Callable[[int], object]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Footage:
    """The benchmark's side: N frames, each as a picture at W scales."""

    track: NDArray[np.int32]
    """(N,) number of the sequence."""
    frame: NDArray[np.int32]
    """(N,) index of the frame in it."""
    thumbs: Thumbs
    """(N, W, 32, 32)"""
    crop: CropSpec = field(default_factory=CropSpec)
    """Sizes and scale of the training crops."""

    def part(self, items: slice) -> "Footage":
        """Return some of the frames."""
        return replace(
            self, track=self.track[items], frame=self.frame[items], thumbs=self.thumbs[items]
        )


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return a function's results, computed on all cores available to this process."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(here) as pool:
        return list(pool.map(function, items))


def all_crop_thumbs(
    manifests: Sequence[Manifest], *, where: str | None, keep: str | None, progress: Progress
) -> Thumbs:
    """Return (N, 32, 32) pictures of the search crops of all manifests' rows.

    Args:
        manifests: The crops, with the selected rows.
        where: The condition that selected those rows.
        keep: Folder for the pictures, for later calls without decoding; None keeps none.
        progress: Called with the number of finished pictures.
    """
    thumbs = np.empty(
        (sum(manifest.rows.height for manifest in manifests), THUMB_PX, THUMB_PX), np.uint8
    )
    start = 0
    for manifest in manifests:
        part = thumbs[start : start + manifest.rows.height]
        start += manifest.rows.height
        selection = hashlib.sha256(f"{manifest.fingerprint} {where}".encode()).hexdigest()[:32]
        kept = Path(keep) / _KEPT.format(selection) if keep else None
        if kept and (pictures := _read_kept(kept, part.shape)) is not None:
            part[:] = pictures
            progress(len(part))
            continue
        crop_thumbs(manifest, manifest.rows, out=part, progress=progress)
        if kept:
            with whole_file(kept) as temporary, temporary.open("wb") as file:
                np.save(file, part)
    return thumbs


def _read_kept(path: Path, shape: tuple[int, ...]) -> Thumbs | None:
    """Return kept pictures; None if there are none, or damaged ones."""
    try:
        pictures: Thumbs = np.load(path, mmap_mode="r")
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return pictures if pictures.shape == shape and pictures.dtype == np.uint8 else None


def crop_thumbs(manifest: Manifest, rows: pl.DataFrame, *, out: Thumbs, progress: Progress) -> None:
    """Write pictures of the rows' search crops, without their margin, into (N, 32, 32) ``out``.

    Raises:
        ManifestError: A shard is missing, or a crop in it is not a picture.
    """
    crop = manifest.metadata.crop
    share = crop.search / crop.stored_search
    numbered = rows.select("shard", "x_offset", "x_bytes").with_row_index("index")
    parts = [
        part
        for of_shard in numbered.partition_by("shard", maintain_order=True)
        for part in of_shard.sort("x_offset").iter_slices(_CROPS_AT_ONCE)
    ]

    def read(part: pl.DataFrame) -> None:
        url = shard_url(manifest.url, part["shard"][0])
        try:
            with open_file(url) as shard:
                for index, _, offset, length in part.iter_rows():
                    shard.seek(offset)
                    out[index] = thumb(_decoded(shard.read(length), url, offset), share=share)
                    progress(1)
        except FileNotFoundError:
            raise ManifestError(f"{url}: no such shard, but {manifest.url} names it") from None

    in_threads(read, parts)


def _decoded(data: bytes, url: str, offset: int) -> Grey:
    try:
        return decode_grey(data, reduce=4)
    except ValueError as error:
        raise ManifestError(f"{url}: bytes at {offset}: {error}. Verify the build") from error


def read_footage(
    files: RawFiles,
    tracks: Sequence[Track],
    crop: CropSpec,
    *,
    every: int,
    progress: Progress,
) -> Footage:
    """Return the benchmark's pictures, of every N-th visible frame.

    Args:
        files: Where the benchmark lies.
        tracks: Its sequences.
        crop: Sizes and scale of the training crops.
        every: Distance between two frames.
        progress: Called with the number of finished frames.

    Raises:
        SourceError: No target is visible, or a frame cannot be read.
    """
    frames = [
        (number, int(frame))
        for number, track in enumerate(tracks)
        for frame in np.flatnonzero(track.visible)[::every]
    ]
    if not frames:
        raise SourceError(f"{files.root}: no visible target in {len(tracks)} sequences")
    thumbs = np.empty((len(frames), len(WINDOW_SCALES), THUMB_PX, THUMB_PX), np.uint8)

    def read(item: int) -> None:
        number, frame = frames[item]
        thumbs[item] = _window_thumbs(files, tracks[number], frame, crop)
        progress(1)

    in_threads(read, range(len(frames)))
    number, frame = np.array(frames, np.int32).T
    return Footage(track=number, frame=frame, thumbs=thumbs, crop=crop)


def target_window(files: RawFiles, track: Track, frame: int, crop: CropSpec) -> Image:
    """Return the search window around a sequence's target, in colour."""
    side = _search_side(track, frame, crop)
    reduce = _reduction(side, crop.search)
    name = track.frames[frame]
    image = decode_image(files.read(name), reduce=reduce, levels=levels_of(files, name))
    side *= WINDOW_SCALES[MIDDLE]
    return _window(image, track, frame, reduce=reduce, side=side, size=crop.search)


def _window_thumbs(files: RawFiles, track: Track, frame: int, crop: CropSpec) -> Thumbs:
    """Return (W, 32, 32) pictures of the windows around a sequence's target."""
    name, side = track.frames[frame], _search_side(track, frame, crop)
    reduce = _reduction(side, _WINDOW_PX)
    try:
        grey = decode_grey(files.read(name), reduce=reduce, levels=levels_of(files, name))
    except ValueError as error:
        raise SourceError(f"{files.where(name)}: {error}") from error
    return np.stack(
        [
            thumb(_window(grey, track, frame, reduce=reduce, side=side * scale, size=_WINDOW_PX))
            for scale in WINDOW_SCALES
        ]
    )


def _reduction(side: float, size: int) -> int:
    """Return the largest reduction of a frame that leaves a window of it ``size`` pixels."""
    return next(factor for factor in (8, 4, 2, 1) if factor == 1 or side / factor >= size)


def _search_side(track: Track, frame: int, crop: CropSpec) -> float:
    return crop.search_side(*track.boxes_xywh[frame, 2:].tolist())


def _window(
    image: Image | Grey, track: Track, frame: int, *, reduce: int, side: float, size: int
) -> Image:
    x, y = box_center(track.boxes_xywh[frame])
    center, fill = (x / reduce, y / reduce), channel_mean(image)
    return crop_square(image, center=center, side=side / reduce, size=size, fill=fill)
