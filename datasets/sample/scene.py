"""A made-up scene: a camera wanders over a photograph, and objects move in front of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.sample.sprites import SPRITE_PX, SPRITE_RADIUS, Image, Sprite

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Actor:
    """An object on its way through T frames."""

    sprite: Sprite
    centers: Floats
    """(T, 2) x, y in pixels of the frame; far outside while it is absent."""
    sizes: Floats
    """(T,) longest side in pixels, before it is turned."""
    angles: Floats
    """(T,) radians."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """The content of one video."""

    photo: Image
    views: Floats
    """(T, 3) x, y of the camera's centre in the photograph, and frame pixels per photo pixel."""
    gains: Floats
    """(T,) brightness."""
    size: tuple[int, int]
    """Width and height of a frame."""
    actors: Sequence[Actor]
    layers: Sequence[int]
    """The order in which the actors are drawn; later ones hide earlier ones."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """A rendered image and the boxes of its N actors."""

    image: Image
    boxes_xywh: Floats
    """(N, 4) extent of each actor inside the frame; no area where it is outside."""
    inside: Floats
    """(N,) share of the actor's extent that is inside the frame."""
    shown: Floats
    """(N,) share of the actor that is inside and not hidden behind others."""


def render(scene: Scene) -> Iterator[Frame]:
    """Yield the frames of a scene."""
    width, height = scene.size
    for index, (view_x, view_y, zoom) in enumerate(scene.views):
        to_frame = np.array(
            [[zoom, 0, width / 2 - zoom * view_x], [0, zoom, height / 2 - zoom * view_y]]
        )
        canvas = cv2.warpAffine(
            scene.photo, to_frame, (width, height), borderMode=cv2.BORDER_REFLECT_101
        )
        owner = np.full((height, width), 255, np.uint8)
        drawn = {
            number: _draw(np.asarray(canvas), owner, number, scene.actors[number], index)
            for number in scene.layers
        }
        placed = [drawn[number] for number in range(len(scene.actors))]
        boxes_xyxy = np.array([extent for extent, _ in placed]).reshape(-1, 4)
        clipped = np.clip(boxes_xyxy, 0, [width, height, width, height])
        boxes_xywh = np.concatenate([clipped[:, :2], clipped[:, 2:] - clipped[:, :2]], axis=1)
        extent = np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)
        num_shown = np.bincount(owner.ravel(), minlength=256)[: len(placed)]
        yield Frame(
            image=np.asarray(cv2.convertScaleAbs(canvas, alpha=scene.gains[index]), np.uint8),
            boxes_xywh=boxes_xywh,
            inside=np.prod(boxes_xywh[:, 2:], axis=1) / extent,
            shown=np.minimum(1.0, num_shown / np.array([area for _, area in placed])),
        )


def wander_camera(
    photo: Image, num_frames: int, size: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Return (T, 3) views that pan and zoom slowly and stay inside the photograph."""
    height, width = photo.shape[:2]
    least = max(size[0] / width, size[1] / height)
    zooms = smooth_walk(
        np.array([least * rng.uniform(1.2, 1.7)]), num_frames, rng,
        low=least * 1.1, high=least * 2.2, step=least * 0.15,
    )[:, 0]  # fmt: skip
    margin = np.stack([size[0] / zooms / 2, size[1] / zooms / 2], axis=1)
    middle = np.array([width, height]) / 2
    shares = smooth_walk(rng.uniform(-0.8, 0.8, 2), num_frames, rng, low=-1, high=1, step=0.35)
    return np.concatenate([middle + shares * (middle - margin), zooms[:, None]], axis=1)


def smooth_walk(
    start: Floats, num_frames: int, rng: np.random.Generator, *, low: object, high: object,
    step: float, frames_per_step: int = 14,
) -> Floats:  # fmt: skip
    """Return (T, D) positions of a smooth random walk that stays between ``low`` and ``high``.

    Args:
        start: (D,) where the walk begins.
        num_frames: T.
        rng: Source of randomness.
        low: (D,) or a number, the lower end.
        high: The upper end.
        step: About how far it goes in ``frames_per_step`` frames.
        frames_per_step: After how many frames it turns.
    """
    corners = [start]
    for _ in range(num_frames // frames_per_step + 2):
        direction = rng.normal(size=start.shape)
        direction *= rng.uniform(0.6, 1.4) * step / max(float(np.linalg.norm(direction)), 1e-9)
        target = corners[-1] + direction
        # A step that would leave is taken the other way, so the walk does not stick to the border.
        leaves = (target < np.asarray(low)) | (target > np.asarray(high))
        target = np.where(leaves, corners[-1] - direction, target)
        corners.append(np.clip(target, np.asarray(low), np.asarray(high)))
    times = np.arange(-frames_per_step, num_frames + frames_per_step) / frames_per_step
    kernel = np.hanning(frames_per_step + 2)[1:-1]
    kernel /= kernel.sum()
    columns = []
    for column in np.array(corners).T:
        path = np.interp(times, np.arange(len(corners)), column)
        smooth = np.convolve(path, kernel, mode="same")
        columns.append(smooth[frames_per_step : frames_per_step + num_frames])
    return np.stack(columns, axis=1)


def outline_corners(actor: Actor, index: int) -> Floats:
    """Return (4, 2) corners of the box that turns with the actor, in pixels of the frame."""
    left, top = actor.sprite.outline.min(axis=0)
    right, bottom = actor.sprite.outline.max(axis=0)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return np.asarray(corners @ _linear(actor, index).T + actor.centers[index])


def _linear(actor: Actor, index: int) -> Floats:
    """Return the (2, 2) matrix from sprite pixels to frame pixels."""
    factor = actor.sizes[index] / (2 * SPRITE_RADIUS)
    cos, sin = np.cos(actor.angles[index]) * factor, np.sin(actor.angles[index]) * factor
    return np.array([[cos, -sin], [sin, cos]])


def _draw(
    canvas: Image, owner: Image, number: int, actor: Actor, index: int
) -> tuple[Floats, float]:
    """Draw an actor; return its extent (left, top, right, bottom) and its area in pixels."""
    linear = _linear(actor, index)
    center = actor.centers[index]
    outline = actor.sprite.outline @ linear.T + center
    extent = np.concatenate([outline.min(axis=0), outline.max(axis=0)])
    x, y = outline[:, 0] - center[0], outline[:, 1] - center[1]
    area = abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2
    height, width = owner.shape
    left, top = np.maximum(np.floor(extent[:2]).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(extent[2:]).astype(int) + 2, [width, height])
    if right <= left or bottom <= top:
        return extent, area
    level = min(2, max(0, int(np.floor(-np.log2(actor.sizes[index] / (2 * SPRITE_RADIUS))))))
    zoom = 2.0**level
    # Edge coordinates: pixel j of the level covers zoom * j to zoom * (j + 1) of the sprite.
    shift = linear @ np.full(2, zoom / 2 - SPRITE_PX / 2) + center - 0.5 - np.array([left, top])
    to_part = np.concatenate([linear * zoom, shift[:, None]], axis=1)
    drawn = np.asarray(
        cv2.warpAffine(actor.sprite.levels[level], to_part, (int(right - left), int(bottom - top)))
    )
    part = canvas[top:bottom, left:right]
    opacity = drawn[..., 3:].astype(np.int32)
    part[...] = part + (drawn[..., :3].astype(np.int32) - part) * opacity // 255
    owner[top:bottom, left:right][drawn[..., 3] > 127] = number
    return extent, area
