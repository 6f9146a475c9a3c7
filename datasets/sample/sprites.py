"""Parts of made-up scenes: photographs, and objects cut out of them.

The photographs are files of scikit-image's installed package (its ``data`` folder), read without
importing it. Training and test scenes use different ones, so that a test scene shows neither a
background nor an object that training has seen.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.tracks import SourceError

Image = NDArray[np.uint8]

TRAIN_PHOTOS = (
    "chelsea.png",
    "motorcycle_left.png",
    "rocket.jpg",
    "ihc.png",
    "retina.jpg",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "text.png",
    "moon.png",
)
TEST_PHOTOS = ("astronaut.png", "coffee.png", "camera.png", "brick.png")

SPRITE_PX = 128
SPRITE_RADIUS = 58.0
"""Largest distance of an outline from the sprite's centre, in sprite pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """An object with a soft edge: texture, opacity and outline."""

    levels: tuple[Image, ...]
    """(128, 128, 4), (64, 64, 4), (32, 32, 4) RGB and opacity, each half the one before."""
    outline: NDArray[np.float64]
    """(K, 2) points x, y relative to the centre, in pixels of the largest level."""


def load_photos(names: tuple[str, ...]) -> list[Image]:
    """Return the named photographs of scikit-image as (H, W, 3) RGB, at most 700 px high.

    Raises:
        SourceError: scikit-image or one of its photographs is not installed.
    """
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SourceError(
            "scikit-image is not installed, and the sample is made of its photographs. Install it "
            "with: python -m pip install scikit-image"
        )
    return [_load_photo(Path(spec.origin).parent / "data" / name) for name in names]


def cut_sprite(photo: Image, rng: np.random.Generator) -> Sprite:
    """Return an object of random shape whose texture is a lively piece of the photograph."""
    outline = _draw_outline(rng)
    texture = vary_colours(_choose_window(photo, rng), rng, strength=0.35).astype(np.float32)
    y, x = np.mgrid[0:SPRITE_PX, 0:SPRITE_PX].astype(np.float32) / SPRITE_PX - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    # Lit from one side and darker towards the rim, as solid things are.
    light = 1.1 - 1.4 * (x * x + y * y) + 0.5 * (x * np.cos(angle) + y * np.sin(angle))
    level = np.zeros((SPRITE_PX, SPRITE_PX, 4), np.uint8)
    level[..., :3] = np.clip(texture * light[..., None], 0, 255)
    opacity = np.zeros((SPRITE_PX, SPRITE_PX), np.uint8)
    points = np.round((outline + SPRITE_PX / 2 - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(opacity, [points], 255, lineType=cv2.LINE_AA, shift=4)
    level[..., 3] = cv2.GaussianBlur(opacity, (5, 5), 0)
    levels = [level]
    for _ in range(2):
        side = levels[-1].shape[0] // 2
        levels.append(_uint8(cv2.resize(levels[-1], (side, side), interpolation=cv2.INTER_AREA)))
    return Sprite(levels=tuple(levels), outline=outline)


def vary_colours(image: Image, rng: np.random.Generator, *, strength: float) -> Image:
    """Return the image with other gains per channel, another gamma and maybe swapped channels."""
    gains = rng.uniform(1 - strength, 1 + strength, 3)
    gamma = np.exp(rng.uniform(-strength, strength))
    order = rng.permutation(3) if rng.random() < 2 * strength else np.arange(3)
    curve = np.linspace(0, 1, 256)[:, None] ** gamma * 255 * gains
    table = np.clip(curve, 0, 255).astype(np.uint8)[None]  # (1, 256, 3)
    return _uint8(cv2.LUT(np.ascontiguousarray(image[..., order]), table))


def _load_photo(path: Path) -> Image:
    data = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if data is None:
        raise SourceError(f"{path}: no such photograph. Install scikit-image again, 0.22 or newer")
    factor = 700 / data.shape[0]
    if factor < 1:
        data = cv2.resize(data, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return _uint8(cv2.cvtColor(data, cv2.COLOR_BGR2RGB))


def _choose_window(photo: Image, rng: np.random.Generator) -> Image:
    """Return (128, 128, 3): the window with the most contrast among a few random ones."""
    height, width = photo.shape[:2]
    windows = []
    for _ in range(6):
        side = int(rng.uniform(0.18, 0.45) * min(height, width))
        top = int(rng.integers(0, height - side))
        left = int(rng.integers(0, width - side))
        windows.append(photo[top : top + side, left : left + side])
    window = max(windows, key=lambda candidate: float(candidate[::4, ::4].std()))
    window = np.rot90(window, int(rng.integers(4)))
    if rng.random() < 0.5:
        window = window[:, ::-1]
    size = (SPRITE_PX, SPRITE_PX)
    mode = cv2.INTER_AREA if window.shape[0] > SPRITE_PX else cv2.INTER_CUBIC
    return _uint8(cv2.resize(np.ascontiguousarray(window), size, interpolation=mode))


def _draw_outline(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (64, 2) points of an ellipse, a blob or a polygon with blunt corners."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones_like(angles)
    kind = int(rng.integers(3))
    if kind == 1:
        for waves in range(2, 6):
            radius += (
                rng.uniform(-0.35, 0.35)
                / waves
                * np.cos(waves * angles + rng.uniform(0, 2 * np.pi))
            )
    elif kind == 2:
        corners = int(rng.integers(3, 7))
        folded = np.mod(angles, 2 * np.pi / corners) - np.pi / corners
        radius = np.cos(np.pi / corners) / np.cos(folded)
        radius = np.minimum(radius, 0.92)
    points = radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points[:, 1] *= rng.uniform(0.5, 1.0)
    turn = rng.choice([0.0, np.pi / 2])
    points = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    result: NDArray[np.float64] = points * (SPRITE_RADIUS / np.abs(points).max())
    return result


def _uint8(image: object) -> Image:
    return np.asarray(image, dtype=np.uint8)
