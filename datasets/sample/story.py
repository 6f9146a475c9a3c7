"""The events of a made-up video: motion, occlusion, absence."""

from collections.abc import Sequence

import numpy as np

from datasets.sample.scene import Actor, Floats, Scene, smooth_walk, wander_camera
from datasets.sample.sprites import Image, Sprite, cut_sprite, vary_colours

_NOWHERE = -10_000.0


def make_scene(
    photos: Sequence[Image],
    rng: np.random.Generator,
    *,
    num_frames: int,
    size: tuple[int, int],
    num_targets: int = 1,
    num_others: int = 2,
    hidden_at: int | None = None,
    away_at: int | None = None,
    pace: int = 1,
) -> Scene:
    """Return a scene whose first objects are the targets; its other objects only distract.

    Args:
        photos: Where background and objects come from; objects never from the background's.
        rng: Source of randomness.
        num_frames: T.
        size: Width and height of a frame.
        num_targets: Objects to be annotated. They come first in the scene's actors.
        num_others: Objects that move below them.
        hidden_at: Frame around which a large object passes over the first target.
        away_at: Frame around which the first target is outside of the image.
        pace: How many times faster everything happens. A short video at a high pace shows its
            targets before as many different backgrounds as a long one.
    """
    shown = slice(None, None, pace)
    num_frames *= pace
    background = int(rng.integers(len(photos)))
    photo = vary_colours(photos[background], rng, strength=0.2)
    cuts = [other for index, other in enumerate(photos) if index != background]
    sprites = [
        cut_sprite(cuts[int(rng.integers(len(cuts)))], rng)
        for _ in range(num_targets + num_others + 1)
    ]
    actors = [_wanderer(sprite, num_frames, size, rng) for sprite in sprites[:-1]]
    if away_at is not None:
        actors[0] = _send_away(actors[0], away_at * pace)
    # Most distractors are below the targets; the one that hides the target is on top.
    layers = [*range(num_targets, len(actors)), *range(num_targets)]
    if num_others and rng.random() < 0.25:
        layers.append(layers.pop(0))
    if hidden_at is not None:
        layers.append(len(actors))
        actors.append(_passer_by(sprites[-1], actors[0], hidden_at * pace, rng))
    gains = smooth_walk(np.ones(1), num_frames, rng, low=0.8, high=1.2, step=0.12)[:, 0]
    return Scene(
        photo=photo,
        views=wander_camera(photo, num_frames, size, rng)[shown],
        gains=gains[shown],
        size=size,
        actors=[_only(actor, shown) for actor in actors],
        layers=layers,
    )


def _only(actor: Actor, shown: slice) -> Actor:
    """Return an actor in some of its frames."""
    centers, sizes, angles = actor.centers[shown], actor.sizes[shown], actor.angles[shown]
    return Actor(sprite=actor.sprite, centers=centers, sizes=sizes, angles=angles)


def _wanderer(
    sprite: Sprite, num_frames: int, size: tuple[int, int], rng: np.random.Generator
) -> Actor:
    area = np.array(size, dtype=np.float64)
    side = float(min(size))
    start_size = rng.uniform(0.14, 0.30) * side
    sizes = start_size * np.exp(
        smooth_walk(np.zeros(1), num_frames, rng, low=-0.4, high=0.4, step=0.22)[:, 0]
    )
    margin = start_size * 0.45
    centers = smooth_walk(
        rng.uniform(margin, area - margin), num_frames, rng,
        low=margin, high=area - margin, step=side * 0.38,
    )  # fmt: skip
    angles = smooth_walk(rng.uniform(-3, 3, 1), num_frames, rng, low=-9, high=9, step=0.3)[:, 0]
    return Actor(sprite=sprite, centers=centers, sizes=sizes, angles=angles)


def _send_away(actor: Actor, frame: int) -> Actor:
    """Return the actor on a detour to the left, out of the image, for about ten frames."""
    distance = np.abs(np.arange(len(actor.sizes)) - frame)
    share = np.clip(1.6 * np.cos(np.clip(distance / 10, 0, 1) * np.pi / 2), 0, 1)
    centers = actor.centers.copy()
    centers[:, 0] -= share * (centers[:, 0] + actor.sizes)
    return Actor(sprite=actor.sprite, centers=centers, sizes=actor.sizes, angles=actor.angles)


def _passer_by(sprite: Sprite, target: Actor, frame: int, rng: np.random.Generator) -> Actor:
    """Return an actor twice as large that passes over the target, and hides it for some frames."""
    times = np.arange(len(target.sizes)) - frame
    size = float(target.sizes[frame])
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    centers: Floats = target.centers + times[:, None] * direction * size * 0.2
    centers[np.abs(times) > 14] = _NOWHERE
    return Actor(
        sprite=sprite,
        centers=centers,
        sizes=np.full(len(times), size * 2.4),
        angles=np.full(len(times), rng.uniform(-3, 3)),
    )
