"""ImageNet's XML of one image, as of DET and VID: its size and objects, checked field by field."""

import re
from collections.abc import Callable
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from datasets.tracks import BadAnnotations, SourceError

Object = TypeVar("Object")

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_xml(
    data: bytes, convert: Callable[[Element], Object], *, where: str, bad: BadAnnotations | None
) -> tuple[tuple[int, int], dict[int, Object]]:
    """Return width and height of the image, and its objects by number from 1.

    Args:
        data: The file's content.
        convert: Reads an object; ValueError if something is wrong with it.
        where: Name of the file for errors.
        bad: Takes the objects with something wrong in them; None allows none.

    Raises:
        SourceError: The file is damaged, or more objects are wrong than allowed.
    """
    wrong = f"{where}: not readable as ImageNet's XML"
    try:
        root = fromstring(data)
        size = (whole(root, "size/width"), whole(root, "size/height"))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise SourceError(f"{wrong} ({error}). Get the file again") from None
    objects = {}
    for number, item in enumerate(root.iter("object"), start=1):
        try:
            objects[number] = convert(item)
        except ValueError as error:
            (bad or BadAnnotations()).add([f"{wrong} (object {number}: {error})"])
    return size, objects


def box_xywh(item: Element) -> tuple[float, float, float, float]:
    """Return left, top, width and height of an object's box, whose edges include the last pixel."""
    left, top, right, bottom = (
        number(item, f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")
    )
    return left, top, right - left + 1, bottom - top + 1


def text(item: Element, path: str) -> str:
    """Return the text of a field; ValueError if it is absent or empty."""
    content = (item.findtext(path) or "").strip()
    if not content:
        raise ValueError(f"no {path}")
    return content


def number(item: Element, path: str) -> float:
    """Return a number; ValueError if the field is none."""
    content = text(item, path)
    if not _DECIMAL.fullmatch(content) or not abs(float(content)) < 1e9:
        raise ValueError(f"{path} is {content[:40]!r}, expected a number")
    return float(content)


def whole(item: Element, path: str) -> int:
    """Return a whole number from 0 on; ValueError if the field is none."""
    value = number(item, path)
    if value < 0 or not value.is_integer():
        raise ValueError(f"{path} is {text(item, path)[:40]!r}, expected a whole number")
    return int(value)


def flag(item: Element, path: str) -> bool:
    """Return a flag; ValueError if the field is neither 0 nor 1."""
    content = text(item, path)
    if content not in ("0", "1"):
        raise ValueError(f"{path} is {content[:40]!r}, expected 0 or 1")
    return content == "1"
