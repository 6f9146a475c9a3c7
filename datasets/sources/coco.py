"""COCO 2017: still images of many objects; each object is a track of one frame.

Read from ``<root>/``:
    annotations/instances_train2017.json   images, boxes and categories; also ``val2017``
    train2017/ or images/train2017/        the images; also ``val2017``

An annotation file whose images are not there is left out: the annotations of both splits come in
one archive, and many have only one split's images.
"""

import logging
from collections.abc import Iterator

import numpy as np

from datasets.box_files import has_area
from datasets.files.folders import RawFiles
from datasets.sources.coco_json import parse_coco
from datasets.tracks import BadAnnotations, SourceError, Track

logger = logging.getLogger(__name__)

_SUBSETS = ("train2017", "val2017")


def list_parts(files: RawFiles) -> list[str]:
    """Return the annotation files with existing images.

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


def read_part(files: RawFiles, part: str, bad: BadAnnotations | None = None) -> Iterator[Track]:
    """Yield each annotated object of one file, image by image in the order of their ids.

    Args:
        files: The raw root.
        part: The annotation file.
        bad: Collects wrong annotations; None allows none.

    Raises:
        SourceError: The file is damaged or has impossible values.
    """
    where = files.where(part)
    subset = part.removeprefix("annotations/instances_").removesuffix(".json")
    folder = _find_images(files, subset)
    if folder is None:
        raise SourceError(f"{files.root}: no folder {subset} or images/{subset}. Unpack it there")
    images, objects, categories = parse_coco(
        files.read(part), where=where, bad=bad or BadAnnotations()
    )
    # One array for all, and views of it: a hundred bytes less for each of 860,001 objects.
    boxes_xywh = np.array([item.bbox for item in objects], dtype=np.float64).reshape(-1, 4)
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
            ignored="crowd" if item.iscrowd else None,
        )


def _find_images(files: RawFiles, subset: str) -> str | None:
    for folder in (subset, f"images/{subset}"):
        if files.exists(folder):
            return folder
    return None
