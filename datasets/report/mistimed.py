"""Boxes one frame late or early: their motion is compared with that of the picture.

From one frame to the next a target moves in the picture as its box does, if both belong together.
Boxes that are a frame late move as the picture does a frame later. Only where the motion changes
from frame to frame does that make a difference.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from datasets.read_crop import read_jpeg
from manifests.table import Manifest

_NUM_TRACKS = 6
"""Number of tracks of a source that are looked at, those of the greatest changes of motion."""
_NUM_STEPS = 24
"""Number of steps between frames that are looked at in a track, chosen in the same way."""
_FEWEST_STEPS = 12
"""Smallest number of steps by which a track is judged."""
_REACH = 16
"""Largest distance between box and picture that is searched, in pixels of the halved crops."""
_LEAST_LIKENESS = 0.6
"""Smallest correlation of a target with the next frame; below it the target has changed."""
_CLEAR = 0.75
"""Largest distance from the picture's motion that is clearly less, as a share of the other one."""

_MANY = 0.25
"""Share of the tracks that have to agree."""

_PLACE = ("box_x", "box_y", "box_w", "box_h", "scale")
Floats = NDArray[np.float64]


def mistimed_boxes(manifests: Sequence[Manifest]) -> list[str]:
    """Return one line per source with tracks whose boxes follow the picture late, or lead it.

    Raises:
        ManifestError: A crop cannot be read.
    """
    problems = []
    for manifest in manifests:
        steps = _steps(manifest.rows)
        names = [name for name, _, _ in steps]
        shifts = [_shift_of(manifest.url, rows, moves) for _, rows, moves in steps]
        for shift, word in ((1, "late"), (-1, "early")):
            found = [name for name, each in zip(names, shifts, strict=True) if each == shift]
            if found and len(found) >= _MANY * len(names):
                problems.append(
                    f"{manifest.metadata.source}: {len(found)} of {len(names)} tracks looked at, "
                    f"such as {found[0]}, have boxes that follow the picture one frame {word}. "
                    "Check that frames and boxes are counted from the same number, and build again"
                )
    return problems


def _steps(rows: pl.DataFrame) -> list[tuple[str, list[dict[str, Any]], Floats]]:
    """Return the tracks to look at: name, pairs of successive rows, and motions around each.

    The motions are (N, 3, 2) in pixels of the crop: of the box before, during and after the step.
    """
    found = []
    order = rows.sort("track", "frame")
    for (name,), part in order.group_by("track", maintain_order=True):
        place = part.select(_PLACE).to_numpy().astype(np.float64)
        centers = place[:, :2] + place[:, 2:4] / 2
        motion = np.diff(centers, axis=0)
        successive = np.diff(part["frame"].to_numpy()) == 1
        # Step t is from row t to t + 1; the steps before and after have to be successive as well.
        usable = np.flatnonzero(successive[:-2] & successive[1:-1] & successive[2:]) + 1
        if len(usable) < _FEWEST_STEPS:
            continue
        moves = np.stack([motion[usable + shift] for shift in (-1, 0, 1)], axis=1)
        moves *= place[usable + 1, 4][:, None, None]
        change = np.abs(np.diff(moves, axis=1)).sum(axis=(1, 2))
        chosen = np.sort(np.argsort(-change, kind="stable")[:_NUM_STEPS])
        pairs = part[np.stack([usable[chosen], usable[chosen] + 1], axis=1).ravel()].to_dicts()
        found.append((float(change[chosen].mean()), str(name), pairs, moves[chosen]))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [each[1:] for each in found[:_NUM_TRACKS]]


def _shift_of(url: str, rows: Sequence[dict[str, Any]], moves: Floats) -> int:
    """Return by how many frames the boxes of a track are late; 0 if none or not clear."""
    distances = []
    for step, offset in _offsets(url, rows):
        picture = offset + moves[step, 1]
        distances.append(np.abs(picture - moves[step]).sum(axis=1))
    if len(distances) < _FEWEST_STEPS:
        return 0
    early, now, late = np.mean(distances, axis=0)
    best = min(early, late)
    if best > _CLEAR * now:
        return 0
    return 1 if late < early else -1


def _offsets(url: str, rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, Floats]]:
    """Yield steps with the (2,) offset of the target from its box in the second frame."""
    for step in range(len(rows) // 2):
        before, after = rows[2 * step], rows[2 * step + 1]
        first, second = (_read_half(url, row) for row in (before, after))
        sides = [before[name] * before["scale"] / 2 for name in ("box_w", "box_h")]
        half_w, half_h = (int(np.clip(side / 2, 4, 24)) for side in sides)
        target = _middle(first, half_w, half_h)
        window = _middle(second, half_w + _REACH, half_h + _REACH)
        if window.shape != (2 * (half_h + _REACH) + 1, 2 * (half_w + _REACH) + 1):
            continue  # a small crop
        likeness = cv2.matchTemplate(window, target, cv2.TM_CCOEFF_NORMED)
        _, best, _, place = cv2.minMaxLoc(likeness)
        if best >= _LEAST_LIKENESS:
            yield step, 2 * (np.array(place, dtype=np.float64) - _REACH)


def _read_half(url: str, row: dict[str, Any]) -> NDArray[np.uint8]:
    """Return the search crop of a row in grey and in half its size."""
    data = np.frombuffer(read_jpeg(url, row, "x"), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_2)
    return np.asarray(image, dtype=np.uint8)


def _middle(image: NDArray[np.uint8], half_w: int, half_h: int) -> NDArray[np.uint8]:
    """Return the middle of an image."""
    y, x = image.shape[0] // 2, image.shape[1] // 2
    return image[max(y - half_h, 0) : y + half_h + 1, max(x - half_w, 0) : x + half_w + 1]
