"""COCO 2017: still images of many objects; each object is a track of one frame.

Read from ``<root>/``:
    annotations/instances_train2017.json   images, boxes and categories; also ``val2017``
    train2017/ or images/train2017/        the images; also ``val2017``

An annotation file whose images are not there is left out: the annotations of both splits come in
one archive, and many have only one split's images.
"""

import json
import logging
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from datasets.box_files import has_area
from datasets.files import RawFiles
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_SUBSETS = ("train2017", "val2017")
_MOST_PX = 1e9


class _Image(NamedTuple):
    id: int
    file_name: str
    width: int
    height: int


class _Object(NamedTuple):
    image_id: int
    id: int
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
    # One array for all, and views of it: a hundred bytes less for each of 860,001 objects.
    boxes_xywh = np.array([item.box_xywh for item in objects], dtype=np.float64).reshape(-1, 4)
    visible = has_area(boxes_xywh)
    first_frame = np.zeros(1, dtype=np.int32)
    for index, item in enumerate(objects):
        image = images[item.image_id]
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
    """Return images by id, objects in the order of images and ids, and categories' names by id."""
    try:
        # The hook drops segmentations while parsing: they are most of the 450 MB.
        table = json.loads(data, object_hook=_slim)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{where}: not readable as COCO's JSON ({error}). Get the file again"
        ) from None
    images: dict[int, _Image] = {}
    categories: dict[int, str] = {}
    try:
        for image in table["images"]:
            _check_image(image, where)
            images[image.id] = image
        for category in table["categories"]:
            _check_category(category, where)
            categories[category["id"]] = category["name"]
        objects: list[_Object] = table["annotations"]
        for item in objects:
            _check_object(item, images, categories, where)
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{where}: not laid out as COCO's JSON ({type(error).__name__}: {error}), expected the "
            "lists 'images', 'annotations' and 'categories'. Get the file again"
        ) from None
    objects.sort(key=lambda item: (item.image_id, item.id))
    repeats = {
        "images": len(images) < len(table["images"]),
        "categories": len(categories) < len(table["categories"]),
        "annotations": any(one[:2] == other[:2] for one, other in pairwise(objects)),
    }
    for kind in (kind for kind, found in repeats.items() if found):
        raise SourceError(f"{where}: two of its {kind} have the same id. Get the file again")
    return images, objects, categories


def _slim(item: dict[str, Any]) -> Any:
    """Return what is needed of a JSON object; what it lacks becomes None, and fails the checks."""
    get: Callable[[str], Any] = item.get
    if "bbox" in item or "image_id" in item:
        box = get("bbox")
        numbers = tuple(box) if isinstance(box, list) else box
        is_crowd = bool(get("iscrowd"))
        return _Object(get("image_id"), get("id"), get("category_id"), numbers, is_crowd)
    if "file_name" in item or "width" in item:
        return _Image(get("id"), get("file_name"), get("width"), get("height"))
    return item


def _check_image(image: _Image, where: str) -> None:
    sizes = (image.width, image.height)
    if not _is_id(image.id) or not all(_is_id(size) and size > 0 for size in sizes):
        raise SourceError(
            f"{where}: image {image.id!r} is {image.width!r} x {image.height!r} px, expected whole "
            "numbers. Get the file again"
        )
    steps = image.file_name.replace("\\", "/").split("/")
    if ".." in steps or not steps[0] or ":" in steps[0] or not _is_text(image.file_name):
        raise SourceError(
            f"{where}: image {image.id} is in {image.file_name!r}, expected a file inside the "
            "image folder. Get the file again from where it is published"
        )


def _check_category(category: dict[str, Any], where: str) -> None:
    if not _is_id(category["id"]) or not _is_text(category["name"]):
        raise SourceError(
            f"{where}: category {category['id']!r} is called {category['name']!r}, expected a "
            "whole number and a name. Get the file again"
        )


def _check_object(
    item: _Object, images: dict[int, _Image], categories: dict[int, str], where: str
) -> None:
    box = item.box_xywh
    is_box = type(box) is tuple and len(box) == 4 and all(map(_is_number, box))
    if not _is_id(item.id) or not is_box:
        shown = list(box) if type(box) is tuple else box
        raise SourceError(
            f"{where}: annotation {item.id!r} has the bbox {shown!s:.80}, expected four numbers. "
            "Get the file again"
        )
    if (
        not _is_id(item.image_id)
        or item.image_id not in images
        or item.category_id not in categories
    ):
        raise SourceError(
            f"{where}: annotation {item.id} is of image {item.image_id!r} and category "
            f"{item.category_id!r}, and one of them is not in the file. Get the file again"
        )


def _is_id(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 53


def _is_number(value: object) -> bool:
    """Tell whether it is a number of pixels; NaN is one, and stands for no box."""
    return type(value) in (int, float) and not abs(value) > _MOST_PX  # type: ignore[arg-type]


def _is_text(value: object) -> bool:
    """Tell whether it can be written to files; JSON may hold line ends and halves of characters."""
    return isinstance(value, str) and value.isprintable()
