"""COCO 2017: still images of many objects; each object is a track of one frame.

Read from ``<root>/``:
    annotations/instances_train2017.json   images, boxes and categories; also ``val2017``
    train2017/ or images/train2017/        the images; also ``val2017``

An annotation file whose images are not there is left out: the annotations of both splits come in
one archive, and many have only one split's images.
"""

import json
import logging
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from datasets.files import RawFiles
from datasets.sources.rows import has_area
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_SUBSETS = ("train2017", "val2017")


class _Image(NamedTuple):
    id: int
    file_name: str
    width: int
    height: int


class _Object(NamedTuple):
    id: int
    image_id: int
    category_id: int
    box_xywh: tuple[float, ...]
    is_crowd: bool


def list_parts(files: RawFiles) -> list[str]:
    """Return the annotation files whose images are there.

    Raises:
        SourceError: There is none.
    """
    parts = []
    for subset in _SUBSETS:
        annotation = f"annotations/instances_{subset}.json"
        if not files.exists(annotation):
            continue
        if _find_images(files, subset) is None:
            logger.warning("%s: no folder %s, so %s is left out", files.root, subset, annotation)
            continue
        parts.append(annotation)
    if not parts:
        raise SourceError(
            f"{files.root}: no annotations/instances_train2017.json with a folder train2017 or "
            "images/train2017. Pass --root with the folder that holds 'annotations'"
        )
    return parts


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield each annotated object of one file, image by image in the order of their ids.

    Raises:
        SourceError: The file is damaged, or says something that is not possible.
    """
    where = files.where(part)
    subset = part.removeprefix("annotations/instances_").removesuffix(".json")
    folder = _find_images(files, subset)
    if folder is None:
        raise SourceError(f"{files.root}: no folder {subset} or images/{subset}. Unpack it there")
    images, objects, categories = _parse(files.read(part), where)
    objects.sort(key=lambda item: (item.image_id, item.id))
    # One array for all, and views of it: a hundred bytes less for each of 860,001 objects.
    boxes_xywh = np.array([item.box_xywh for item in objects], dtype=np.float64).reshape(-1, 4)
    visible = has_area(boxes_xywh)
    first_frame = np.zeros(1, dtype=np.int32)
    for index, item in enumerate(objects):
        image = images.get(item.image_id)
        if image is None or item.category_id not in categories:
            raise SourceError(
                f"{where}: annotation {item.id} is of image {item.image_id} and category "
                f"{item.category_id}, and one of them is not in the file. Get the file again"
            )
        video = f"{image.id:012d}"
        yield Track(
            name=f"{video}-{item.id}",
            video=video,
            group=video,
            category=categories[item.category_id],
            frames=(f"{folder}/{image.file_name}",),
            frame_numbers=first_frame,
            boxes_xywh=boxes_xywh[index : index + 1],
            visible=visible[index : index + 1],
            frame_size=(image.width, image.height),
            ignored="crowd" if item.is_crowd else None,
        )


def _find_images(files: RawFiles, subset: str) -> str | None:
    for folder in (subset, f"images/{subset}"):
        if files.exists(folder):
            return folder
    return None


def _parse(data: bytes, where: str) -> tuple[dict[int, _Image], list[_Object], dict[int, str]]:
    try:
        # The hook drops segmentations while parsing: they are most of the 450 MB.
        table = json.loads(data, object_hook=_slim)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{where}: not readable as COCO's JSON ({error}). Get the file again"
        ) from None
    images: dict[int, _Image] = {}
    objects: list[_Object] = []
    categories: dict[int, str] = {}
    try:
        for category in table["categories"]:
            categories[int(category["id"])] = str(category["name"])
        for image in table["images"]:
            _check_image(image, where)
            images[image.id] = image
        for item in table["annotations"]:
            _check_object(item, where)
            objects.append(item)
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{where}: not laid out as COCO's JSON ({type(error).__name__}: {error}), expected the "
            "lists 'images', 'annotations' and 'categories'. Get the file again"
        ) from None
    return images, objects, categories


def _slim(item: dict[str, Any]) -> Any:
    if "bbox" in item and "image_id" in item:
        return _Object(
            item["id"],
            item["image_id"],
            item["category_id"],
            tuple(item["bbox"]),
            bool(item.get("iscrowd", 0)),
        )
    if "file_name" in item:
        return _Image(item["id"], item["file_name"], item["width"], item["height"])
    return item


def _check_image(image: _Image, where: str) -> None:
    sizes_fine = all(type(size) is int and size > 0 for size in (image.width, image.height))
    if type(image.id) is not int or image.id < 0 or not sizes_fine:
        raise SourceError(
            f"{where}: image {image.id!r} is {image.width!r} x {image.height!r} px, expected whole "
            "numbers. Get the file again"
        )
    steps = image.file_name.replace("\\", "/").split("/")
    if ".." in steps or not steps[0] or ":" in steps[0]:
        raise SourceError(
            f"{where}: image {image.id} is in {image.file_name!r}, outside the image folder. Get "
            "the file from where it is published"
        )


def _check_object(item: _Object, where: str) -> None:
    numbers_fine = all(type(x) in (int, float) and not math.isinf(x) for x in item.box_xywh)
    if type(item.id) is not int or len(item.box_xywh) != 4 or not numbers_fine:
        raise SourceError(
            f"{where}: annotation {item.id!r} has the bbox {list(item.box_xywh)}, expected four "
            "numbers. Get the file again"
        )
