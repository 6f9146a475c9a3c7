"""Objects of real photographs as stored crops, and batches of augmented pairs of them.

Read from a raw COCO tree, small enough to hold in memory; a third of the images is kept unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datasets.crops import box_center, channel_mean, crop_square
from datasets.files import open_root
from datasets.images import Image, decode_image
from datasets.levels import levels_of
from datasets.sources import SOURCES
from manifests.crop_spec import CropSpec
from sampling.augment import AugmentSettings
from sampling.rng import pair_numbers
from tests.support.pairs import augment_pair

_AUGMENT = AugmentSettings(search_translate_px=60)
"""Shifts as in the demo: at 32 px a head with padded convolutions learns the middle instead."""
_CROP = CropSpec(margin=40)
_SMALLEST_SIDE_PX = 16
_UNSEEN_EVERY = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StoredObject:
    """One object with the crops that a build would store."""

    template: Image
    """(127 + 2 * 40, 127 + 2 * 40, 3) uint8, the target in the middle."""
    search: Image
    """(255 + 2 * 40, 255 + 2 * 40, 3) uint8."""
    target_size: tuple[float, float]
    """Width and height in px of the search crop."""


def read_objects(root: str) -> tuple[list[StoredObject], list[StoredObject]]:
    """Return the objects to train on and those never seen, of different photographs."""
    files, source = open_root(root), SOURCES["coco"]
    images: dict[str, Image] = {}
    seen: list[StoredObject] = []
    unseen: list[StoredObject] = []
    for part in source.list_parts(files):
        for track in source.read_part(files, part):
            box_xywh, name = track.boxes_xywh[0], track.frames[0]
            if track.ignored or min(box_xywh[2:]) < _SMALLEST_SIDE_PX:
                continue
            if name not in images:
                images[name] = decode_image(files.read(name), levels=levels_of(files, name))
            is_unseen = int(track.video) % _UNSEEN_EVERY == 0
            (unseen if is_unseen else seen).append(_store(images[name], box_xywh))
    return seen, unseen


def make_batch(
    objects: Sequence[StoredObject], indices: Sequence[int], *, seed: int, first_pair: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return templates (B, 127, 127, 3), search crops (B, 255, 255, 3) and boxes_xyxy (B, 4).

    Args:
        objects: The objects.
        indices: One per pair.
        seed: Seed of the augmentation.
        first_pair: Number of the first pair; each pair's augmentation follows from its number.
    """
    pairs = [
        augment_pair(
            objects[index].template,
            objects[index].search,
            objects[index].target_size,
            _AUGMENT,
            pair_numbers(seed, 0, np.array([first_pair + number]), blocks=_AUGMENT.num_blocks),
        )
        for number, index in enumerate(indices)
    ]
    z, x, boxes_xyxy = (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))
    return z, x, boxes_xyxy


def _store(image: Image, box_xywh: NDArray[np.float64]) -> StoredObject:
    width, height = (float(side) for side in box_xywh[2:])
    scale = _CROP.scale(width, height)
    template, search = (
        crop_square(
            image,
            center=box_center(box_xywh),
            side=_CROP.template_side(width, height) * size / _CROP.template,
            size=size,
            fill=channel_mean(image),
        )
        for size in (_CROP.stored_template, _CROP.stored_search)
    )
    return StoredObject(
        template=template, search=search, target_size=(width * scale, height * scale)
    )
