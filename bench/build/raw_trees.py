"""Raw trees to measure the build on: real textures, LaSOT's target sizes, the datasets' lengths."""

import json
import os
from pathlib import Path

import numpy as np

from datasets.images import encode_jpeg
from datasets.sample.scene import render
from datasets.sample.sprites import TRAIN_PHOTOS, load_photos
from datasets.sample.story import make_scene
from datasets.sources.lasot import training_videos

FRAME_SIZE = (1280, 720)
_SIZE_QUANTILES = ((0, 0.01, 0.25, 0.5, 0.75, 0.99, 1), (10, 11, 60, 130, 248, 713, 720))
"""Shares of LaSOT's targets, and the side in pixels that so many stay below."""


def write_vid(root: Path, *, num_frames: int, num_targets: int, different: int = 0) -> None:
    """Write a VID video whose targets have LaSOT's sizes, each frame anew.

    Args:
        root: Folder to write.
        num_frames: Length of the video.
        num_targets: Targets in each frame.
        different: How many of the images differ; the others are links. 0 for all.
    """
    rng = np.random.default_rng(0)
    video = "val/ILSVRC2015_val_00000000"
    for folder in ("Data", "Annotations"):
        (root / folder / "VID" / video).mkdir(parents=True)
    num_images = different or num_frames
    images = root / f"Data/VID/{video}"
    photos = load_photos(TRAIN_PHOTOS)
    number = 0
    while number < num_images:  # another background every ten frames
        scene = make_scene(photos, rng, num_frames=10, size=FRAME_SIZE, num_others=5)
        for frame in render(scene):
            noisy = frame.image + rng.normal(0, 4, (*frame.image.shape[:2], 1))
            image = np.clip(noisy, 0, 255).astype(np.uint8)
            (images / f"{number:06d}.JPEG").write_bytes(encode_jpeg(image, quality=90))
            number += 1
    for number in range(num_images, num_frames):
        os.link(images / f"{number % num_images:06d}.JPEG", images / f"{number:06d}.JPEG")
    for number in range(num_frames):
        objects = "".join(_vid_object(target, rng) for target in range(num_targets))
        (root / f"Annotations/VID/{video}/{number:06d}.xml").write_text(
            f"<annotation><size><width>{FRAME_SIZE[0]}</width><height>{FRAME_SIZE[1]}</height>"
            f"</size>{objects}</annotation>"
        )
    for path in images.iterdir():
        if int(path.stem) >= num_frames:
            path.unlink()


def _vid_object(track: int, rng: np.random.Generator) -> str:
    side = np.interp(rng.random(), *_SIZE_QUANTILES)
    stretch = np.exp(rng.uniform(-0.2, 0.2))
    width, height = min(side * stretch, 718.0), min(side / stretch, 718.0)
    left = rng.uniform(0, FRAME_SIZE[0] - width)
    top = rng.uniform(0, FRAME_SIZE[1] - height)
    return (
        f"<object><trackid>{track}</trackid><name>n1</name><bndbox><xmin>{left:.0f}</xmin>"
        f"<ymin>{top:.0f}</ymin><xmax>{left + width:.0f}</xmax><ymax>{top + height:.0f}</ymax>"
        "</bndbox><occluded>0</occluded><generated>0</generated></object>"
    )


def write_lasot_annotations(root: Path) -> int:
    """Write all 1,120 annotation sets, without images but the last; return the number of rows."""
    rng = np.random.default_rng(0)
    num_rows = 0
    for category, names in training_videos().items():
        for name in names:
            folder = root / category / name
            (folder / "img").mkdir(parents=True)
            length = int(np.clip(rng.lognormal(7.7, 0.5), 1000, 11_397))
            boxes = rng.integers(20, 300, (length, 4))
            np.savetxt(folder / "groundtruth.txt", boxes, fmt="%d", delimiter=",")
            for flags in ("full_occlusion", "out_of_view"):
                (folder / f"{flags}.txt").write_text(",".join("0" * length))
            (folder / f"img/{length:08d}.jpg").touch()
            num_rows += length
    return num_rows


def write_coco_annotations(
    root: Path, *, num_images: int = 118_287, num_boxes: int = 860_001
) -> int:
    """Write a JSON of the size of COCO's training split; return the number of boxes."""
    rng = np.random.default_rng(0)
    (root / "annotations").mkdir(parents=True)
    (root / "train2017").mkdir()
    outlines = [json.dumps([np.round(rng.uniform(0, 640, 44), 2).tolist()]) for _ in range(64)]
    url = "http://images.cocodataset.org/train2017/"
    boxes = np.round(rng.uniform(2, 200, (num_boxes, 4)), 2).tolist()
    of_image = rng.integers(0, num_images, num_boxes).tolist()
    with (root / "annotations/instances_train2017.json").open("w") as file:
        file.write('{"info": {}, "licenses": [], "images": [')
        file.write(
            ", ".join(
                f'{{"license": 4, "file_name": "{n:012d}.jpg", "coco_url": "{url}{n:012d}.jpg", '
                f'"height": 480, "width": 640, "date_captured": "2013-11-14 17:02:52", "id": {n}}}'
                for n in range(num_images)
            )
        )
        file.write('], "annotations": [')
        for n, (image, box) in enumerate(zip(of_image, boxes, strict=True)):
            file.write(", " if n else "")
            file.write(
                f'{{"segmentation": {outlines[n % 64]}, "area": {box[2] * box[3]:.5f}, "iscrowd": '
                f'0, "image_id": {image}, "bbox": {box}, "category_id": {1 + n % 80}, "id": {n}}}'
            )
        names = ", ".join(f'{{"supercategory": "x", "id": {n}, "name": "c{n}"}}' for n in range(81))
        file.write(f'], "categories": [{names}]}}')
    return num_boxes
