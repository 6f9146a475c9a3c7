"""ImageNet DET: single images of annotated objects, the training part.

Read from ``<root>/`` (or from the one folder in it that holds these two):
    Data/DET/train/ILSVRC2013_train/<class>/*.JPEG   images; also ``ILSVRC2014_train_000x/*.JPEG``
    Annotations/DET/train/...                        an XML file of the same name beside each

An image without an XML file has no annotated object and is not read. Coordinates include the last
pixel, as those of VID. The image is the group.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import numpy as np

from datasets.box_files import has_area
from datasets.files.folders import RawFiles
from datasets.files.prefetch import prefetch
from datasets.sources.imagenet_xml import box_xywh, read_xml, text
from datasets.tracks import BadAnnotations, SourceError, Track

_BASE = "Annotations/DET/train"


def list_parts(files: RawFiles) -> list[str]:
    """Return the annotation folders of existing image folders.

    Raises:
        SourceError: There is none.
    """
    parts: list[str] = []
    for base in ("", *(f"{name}/" for name in files.list(""))):
        for pack in files.list(f"{base}{_BASE}"):
            folder = f"{base}{_BASE}/{pack}"
            names = files.list(folder)
            flat = any(name.endswith(".xml") for name in names)
            folders = [folder] if flat else [f"{folder}/{name}" for name in names]
            parts += [name for name in folders if files.exists(_images(name))]
    if not parts:
        raise SourceError(
            f"{files.root}: no annotated images, such as {_BASE}/ILSVRC2013_train/n02672831 and "
            "the same below Data. Pass --root with the folder that holds both"
        )
    return parts


def read_part(files: RawFiles, part: str, bad: BadAnnotations | None = None) -> Iterator[Track]:
    """Yield the objects of a folder, image by image.

    Args:
        files: The raw root.
        part: The annotation folder.
        bad: Takes the objects with something wrong in them; None allows none.

    Raises:
        SourceError: An XML file is damaged.
    """
    names = [f"{part}/{name}" for name in files.list(part) if name.endswith(".xml")]
    images = _images(part)
    for name, content in zip(names, prefetch(files, names), strict=True):
        video = name.rpartition("/")[2].removesuffix(".xml")
        size, objects = read_xml(content(), _read_object, where=files.where(name), bad=bad)
        for number, (category, box) in objects.items():
            boxes_xywh = np.array([box], dtype=np.float64)
            yield Track(
                name=f"{video}-{number:02d}",
                video=video,
                group=video,
                category=category,
                frames=(f"{images}/{video}.JPEG",),
                frame_numbers=np.zeros(1, dtype=np.int32),
                boxes_xywh=boxes_xywh,
                visible=has_area(boxes_xywh),
                frame_size=size,
            )


def _images(part: str) -> str:
    return part.replace("Annotations/DET/", "Data/DET/", 1)


def _read_object(item: Element) -> tuple[str, tuple[float, float, float, float]]:
    return text(item, "name"), box_xywh(item)
