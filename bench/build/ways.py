"""What the build is compared with: a plain script, and the pixels' work alone."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.crops import NETWORK_CROP, channel_mean, crop_square
from datasets.images import decode_image, encode_jpeg
from datasets.shards.cut import reduction
from datasets.shards.tasks import ShardTask

Boxes = NDArray[np.float64]
"""(N, 4) left, top, width, height in image pixels."""


def images_of(task: ShardTask) -> list[tuple[str, Boxes]]:
    """Return each image of a task once, with the boxes of all targets in it."""
    boxes: dict[str, list[Boxes]] = {}
    for part in (part for parts in task.parts for part in parts):
        for index in part.indices:
            boxes.setdefault(part.track.frames[index], []).append(part.track.boxes_xywh[index])
    return [(name, np.array(boxes[name])) for name in sorted(boxes)]


def plain_script(root: Path, images: Sequence[tuple[str, Boxes]], out: Path) -> None:
    """Crop as the trackers' published scripts do: whole images in full size, to files."""
    out.mkdir(exist_ok=True)
    for name, boxes in images:
        image = np.asarray(cv2.imread(str(root / name)))
        mean = np.mean(image, axis=(0, 1))
        for number, (x, y, width, height) in enumerate(boxes.tolist()):
            side = NETWORK_CROP.template_side(width, height)
            for letter, size in (("z", NETWORK_CROP.template), ("x", NETWORK_CROP.search)):
                step = size / (side * size / NETWORK_CROP.template)
                shift = (size / 2 - step * (x + width / 2), size / 2 - step * (y + height / 2))
                matrix = np.array([[step, 0, shift[0]], [0, step, shift[1]]])
                crop = cv2.warpAffine(image, matrix, (size, size), borderValue=mean.tolist())
                cv2.imwrite(str(out / f"{Path(name).stem}.{number}.{letter}.jpg"), crop)


def pixels_only(root: Path, images: Sequence[tuple[str, Boxes]]) -> None:
    """Do nothing but the least scaled decode, the mean, two crops and two encodes a target."""
    for name, boxes in images:
        factors = [reduction(box, NETWORK_CROP) for box in boxes]
        smallest = min(factors)
        image = decode_image((root / name).read_bytes(), reduce=smallest)
        fill = channel_mean(image)
        scaled = {smallest: image}
        while (factor := max(scaled)) < max(factors):  # large targets share a smaller image
            half = (scaled[factor].shape[1] // 2, scaled[factor].shape[0] // 2)
            smaller = cv2.resize(scaled[factor], half, interpolation=cv2.INTER_AREA)
            scaled[2 * factor] = np.asarray(smaller, np.uint8)
        for factor, box in zip(factors, boxes, strict=True):
            x, y, width, height = (box / factor).tolist()
            side, center = (
                NETWORK_CROP.template_side(width, height),
                (x + width / 2, y + height / 2),
            )
            for size in (NETWORK_CROP.template, NETWORK_CROP.search):
                crop = crop_square(
                    scaled[factor],
                    center=center,
                    side=side * size / NETWORK_CROP.template,
                    size=size,
                    fill=fill,
                )
                encode_jpeg(crop)
