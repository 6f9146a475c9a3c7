"""ImageNet DET: single images of annotated objects, the training part.

Read from ``<root>/`` (or from the one folder in it that holds these two):
    Data/DET/train/ILSVRC2013_train/<class>/*.JPEG   images; also ``ILSVRC2014_train_000x/*.JPEG``
    Annotations/DET/train/...                        an XML file of the same name beside each

An image without an XML file has no annotated object and is not read. Coordinates include the last
pixel, as those of VID. The image is the group.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from datasets.box_files import has_area
from datasets.files.folders import RawFiles
from datasets.files.prefetch import prefetch
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
        where = files.where(name)
        video = name.rpartition("/")[2].removesuffix(".xml")
        try:
            root = fromstring(content())
            width, height = (int(root.findtext(f"size/{key}", "")) for key in ("width", "height"))
        except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
            raise SourceError(
                f"{where}: not readable as DET's XML ({error}). Get it again"
            ) from None
        for number, item in enumerate(root.iter("object"), start=1):
            try:
                category, box = _read_object(item)
            except ValueError as error:
                message = f"{where}: not readable as DET's XML (object {number}: {error})"
                (bad or BadAnnotations()).add([message])
                continue
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
                frame_size=(width, height),
            )


def _images(part: str) -> str:
    return part.replace("Annotations/DET/", "Data/DET/", 1)


def _read_object(item: Element) -> tuple[str, tuple[float, float, float, float]]:
    category = item.findtext("name", "").strip()
    if not category:
        raise ValueError("no name")
    edges = []
    for key in ("xmin", "ymin", "xmax", "ymax"):
        text = item.findtext(f"bndbox/{key}", "").strip()
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"{key} is {text!r}, expected a whole number")
        edges.append(float(text))
    left, top, right, bottom = edges
    return category, (left, top, right - left + 1, bottom - top + 1)
