"""Hit rates of copies and false alarm rates of other footage, measured on the data.

Degraded copies of the benchmark's frames are cropped as by a build and hidden among training crops;
frames of each recording are looked up among the other recordings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.crops import box_center, channel_mean, crop_square
from datasets.files.folders import RawFiles
from datasets.images import Image, decode_grey, decode_image, encode_jpeg
from datasets.levels import levels_of
from datasets.overlap.footage import MIDDLE, Footage, in_threads
from datasets.overlap.hashes import Thumbs, thumb
from datasets.overlap.search import Limits, find_matches
from datasets.tracks import Track
from manifests.crop_spec import CropSpec

Box = NDArray[np.float64]
"""(4,) left, top, width, height in pixels."""
Copied = tuple[Image, list[float]]
"""A degraded copy of a frame, and the target's box in it."""
Copy = Callable[[Image, Box, np.random.Generator], Copied]
_FRAMES_PER_COPY = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Results of the search on footage with known truth."""

    hits: Mapping[str, int]
    """Number of matched copies, by kind."""
    num_copies: int
    """Copies of each kind."""
    num_others: int
    """Number of training crops among which they were hidden."""
    false_crops: int
    """Crops of other footage that match a frame."""
    num_crops: int
    """Crops of other footage looked up; 0 if the benchmark is of one recording only."""
    false_recordings: int
    """Recordings of which at least one of these crops matches."""
    num_recordings: int


def reencoded(image: Image, box: Box, rng: np.random.Generator) -> Copied:
    """Return the frame after JPEG compression of low quality."""
    return decode_image(encode_jpeg(image, quality=int(rng.integers(20, 50)))), box.tolist()


def resized(image: Image, box: Box, rng: np.random.Generator) -> Copied:
    """Return the frame at 40% to 80% of its size."""
    factor = rng.uniform(0.4, 0.8)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (box * factor).tolist()


def cut(image: Image, box: Box, rng: np.random.Generator) -> Copied:
    """Return the frame without its borders, and a box that another annotator might draw."""
    height, width = image.shape[:2]
    left, top = (int(size * rng.uniform(0, 0.1)) for size in (width, height))
    right, bottom = (size - int(size * rng.uniform(0, 0.1)) for size in (width, height))
    x, y, box_width, box_height = box + rng.normal(0, 0.04, 4) * np.tile(box[2:], 2)
    return image[top:bottom, left:right], [x - left, y - top, box_width, box_height]


def mirrored(image: Image, box: Box, rng: np.random.Generator) -> Copied:
    """Return the frame mirrored left to right."""
    flipped = np.ascontiguousarray(image[:, ::-1])
    return flipped, [image.shape[1] - box[0] - box[2], *box[1:].tolist()]


def brightened(image: Image, box: Box, rng: np.random.Generator) -> Copied:
    """Return the frame with more light and less contrast, or the reverse."""
    gain, offset = rng.uniform(0.7, 1.3), rng.uniform(-30, 30)
    return np.clip(image * gain + offset, 0, 255).astype(np.uint8), box.tolist()


COPIES: Mapping[str, Copy] = {
    "re-encoded": reencoded,
    "resized": resized,
    "cut, another box": cut,
    "mirrored": mirrored,
    "brightened": brightened,
}


def measure_rates(
    files: RawFiles,
    tracks: Sequence[Track],
    footage: Footage,
    others: Thumbs,
    limits: Limits,
    *,
    num_copies: int,
    seed: int,
) -> Rates:
    """Search for copies of random frames, hidden among others, and for frames of other recordings.

    Args:
        files: Where the benchmark lies.
        tracks: Its sequences.
        footage: Their pictures.
        others: (N, 32, 32) pictures of training crops that show nothing of the benchmark.
        limits: Required similarity of a pair.
        num_copies: Frames to copy in each way; twenty times as many are looked up among others.
        seed: Seed of the choice of frames.
    """
    rng = np.random.default_rng(seed)
    total = footage.track.size
    names, group = np.unique([track.group for track in tracks], return_inverse=True)
    of_footage = group[footage.track]
    # Of all frames: with every tenth compared, a copy is rarely one of a frame that is compared.
    track, frame = _visible_frames(tracks)
    copied = rng.choice(track.size, min(num_copies, track.size), replace=False)
    chosen = list(zip(track[copied].tolist(), frame[copied].tolist(), strict=True))
    of_copy = group[track[copied]]
    looked_up = rng.choice(total, min(num_copies * _FRAMES_PER_COPY, total), replace=False)
    hits = {}
    for kind, name in enumerate(COPIES):
        # Each kind by itself: copies of one frame would compete to be among the nearest.
        copies = _copy_thumbs(files, tracks, chosen, footage.crop, kind=kind, seed=seed)
        matches = find_matches(np.concatenate([copies, others]), footage, limits)
        row, item = (pairs[matches.row < copied.size] for pairs in (matches.row, matches.item))
        right = of_copy[row] == of_footage[item]
        hits[name] = np.unique(row[right]).size
    own = of_footage[looked_up]
    matches = find_matches(
        footage.thumbs[looked_up, MIDDLE],
        footage,
        limits,
        skip=lambda row, item: own[row] == of_footage[item],
    )
    wrong = np.unique(matches.row)
    return Rates(
        hits=hits,
        num_copies=copied.size,
        num_others=len(others),
        false_crops=wrong.size,
        num_crops=looked_up.size if names.size > 1 else 0,
        false_recordings=np.unique(own[wrong]).size,
        num_recordings=np.unique(own).size,
    )


def _visible_frames(tracks: Sequence[Track]) -> NDArray[np.intp]:
    """Return (2, N) the number of a track and an index into its frames."""
    visible = [np.flatnonzero(track.visible) for track in tracks]
    number = np.repeat(np.arange(len(tracks)), [frames.size for frames in visible])
    return np.stack([number, np.concatenate(visible)])


def _copy_thumbs(
    files: RawFiles,
    tracks: Sequence[Track],
    frames: Sequence[tuple[int, int]],
    crop: CropSpec,
    *,
    kind: int,
    seed: int,
) -> Thumbs:
    """Return (N, 32, 32) pictures of the crops that a build would cut from copies of frames.

    Args:
        files: Where the benchmark lies.
        tracks: Its sequences.
        frames: Number of the sequence and index of the frame in it, N times.
        crop: Sizes and scale of the crops.
        kind: Index in `COPIES`.
        seed: Seed of the copies, together with the frame's position.
    """
    make_copy = tuple(COPIES.values())[kind]

    def copy(item: tuple[int, int]) -> Thumbs:
        track, frame = tracks[item[0]], item[1]
        name = track.frames[frame]
        image = decode_image(files.read(name), levels=levels_of(files, name))
        rng = np.random.default_rng((seed, kind, *item))
        image, box = make_copy(image, track.boxes_xywh[frame], rng)
        side = crop.search_side(box[2], box[3])
        center, fill = box_center(np.array(box)), channel_mean(image)
        cut_out = crop_square(image, center=center, side=side, size=crop.search, fill=fill)
        return thumb(decode_grey(encode_jpeg(cut_out), reduce=4))

    return np.stack(in_threads(copy, frames))
