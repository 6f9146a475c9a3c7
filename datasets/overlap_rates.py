"""How often a copy is found, and how often other footage is taken for one: measured on the data.

Frames of the benchmark are copied badly, as footage is that passes through several hands, and
looked up again; and each sequence is looked up among the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE, box_center, template_side
from datasets.crops import Image, channel_mean, crop_square, decode_image, encode_jpeg
from datasets.files import RawFiles
from datasets.hashes import Thumbs, thumb
from datasets.overlap_search import Footage, Limits, find_matches
from datasets.tracks import Track

Copy = Callable[[Image, NDArray[np.float64], np.random.Generator], tuple[Image, list[float]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What the search does on footage of which the truth is known."""

    hits: Mapping[str, float]
    """Kind of copy to the share of copies found."""
    num_copies: int
    """Copies of each kind."""
    false_alarms: float
    """Share of frames that match a frame of another sequence."""
    num_frames: int
    """Frames looked up among the other sequences; 0 if there is one sequence only."""


def reencoded(
    image: Image, box: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, list[float]]:
    """Return the frame after a poor JPEG."""
    return decode_image(encode_jpeg(image, quality=int(rng.integers(20, 50)))), box.tolist()


def resized(
    image: Image, box: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, list[float]]:
    """Return the frame at 40% to 80% of its size."""
    factor = rng.uniform(0.4, 0.8)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (box * factor).tolist()


def cut(
    image: Image, box: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, list[float]]:
    """Return the frame without its borders, and a box that another annotator might draw."""
    height, width = image.shape[:2]
    left, top = (int(size * rng.uniform(0, 0.1)) for size in (width, height))
    right, bottom = (size - int(size * rng.uniform(0, 0.1)) for size in (width, height))
    x, y, box_width, box_height = box + rng.normal(0, 0.04, 4) * np.tile(box[2:], 2)
    return image[top:bottom, left:right], [x - left, y - top, box_width, box_height]


def mirrored(
    image: Image, box: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, list[float]]:
    """Return the frame mirrored left to right."""
    flipped = np.ascontiguousarray(image[:, ::-1])
    return flipped, [image.shape[1] - box[0] - box[2], *box[1:].tolist()]


def brightened(
    image: Image, box: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, list[float]]:
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
    limits: Limits,
    *,
    num_copies: int,
    seed: int,
) -> Rates:
    """Copy random frames in every way, look them up, and look up each sequence among the others."""
    rng = np.random.default_rng(seed)
    count = min(num_copies, footage.track.size)
    items = rng.choice(footage.track.size, count, replace=False)
    hits = {}
    for name, copy in COPIES.items():
        copies = np.stack([_copy_thumb(files, tracks, footage, item, copy, rng) for item in items])
        matches = find_matches(copies, footage, limits)
        right = footage.track[matches.item] == footage.track[items[matches.row]]
        hits[name] = np.unique(matches.row[right]).size / count
    matches = find_matches(footage.thumbs[items, 1], footage, limits)
    wrong = footage.track[matches.item] != footage.track[items[matches.row]]
    several = np.unique(footage.track).size > 1
    return Rates(
        hits=hits,
        num_copies=count,
        false_alarms=np.unique(matches.row[wrong]).size / count if several else 0.0,
        num_frames=count if several else 0,
    )


def _copy_thumb(
    files: RawFiles,
    tracks: Sequence[Track],
    footage: Footage,
    item: int,
    copy: Copy,
    rng: np.random.Generator,
) -> Thumbs:
    """Return the picture of the training crop that a build would cut from a copied frame."""
    track, frame = tracks[footage.track[item]], footage.frame[item]
    image = decode_image(files.read(track.frames[frame]))
    image, box = copy(image, track.boxes_xywh[frame], rng)
    side = template_side(box[2], box[3]) * SEARCH_SIZE / TEMPLATE_SIZE
    center = box_center(np.array(box))
    fill = channel_mean(image)
    crop = crop_square(image, center=center, side=side, size=SEARCH_SIZE, fill=fill)
    return thumb(decode_image(encode_jpeg(crop), reduce=4))
