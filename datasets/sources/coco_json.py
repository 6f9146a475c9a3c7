"""COCO's JSON, checked field by field: errors have the entry, the key and the value."""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from datasets.tracks import BadAnnotations, SourceError

_MOST_PX = 1e9
_ADVICE = "Get the file again, or correct your own"
_ABSENT: Any = ...
"""Value of an absent key; null is None."""


class Image(NamedTuple):
    """One entry of ``images``."""

    id: int
    file_name: str
    width: int
    height: int


class Object(NamedTuple):
    """One entry of ``annotations``."""

    image_id: int
    id: int
    category_id: int
    bbox: tuple[float, ...]
    iscrowd: bool


class _Fault(Exception):
    """The problem of an entry, such as "has no bbox, expected four numbers"."""


def parse_coco(
    data: bytes, *, where: str, bad: BadAnnotations
) -> tuple[dict[int, Image], list[Object], dict[int, str]]:
    """Return images by id, objects in the order of images and ids, and categories' names by id.

    Args:
        data: The file's content.
        where: Name of the file for errors.
        bad: Collects the wrong annotations, which are left out.

    Raises:
        SourceError: The file is no such JSON, an image or a category is wrong, or more annotations
            are than allowed.
    """
    table = _load(data, where)
    images: dict[int, Image] = {}
    for number, entry in enumerate(_entries(table, "images", where, _as_image), start=1):
        try:
            image = _check_image(entry)
        except _Fault as fault:
            name = _label("image", entry.id, number)
            raise SourceError(f"{where}: {name} {fault}. {_ADVICE}") from None
        images[image.id] = image
    categories: dict[int, str] = {}
    for number, category in enumerate(_entries(table, "categories", where, dict), start=1):
        try:
            categories[_whole("id", category.get("id", _ABSENT))] = _check_name(category)
        except _Fault as fault:
            name = _label("category", category.get("id"), number)
            raise SourceError(f"{where}: {name} {fault}. {_ADVICE}") from None
    objects = _entries(table, "annotations", where, _as_object)
    for kind, by_id in (("images", images), ("categories", categories)):
        if len(by_id) < len(table[kind]):
            raise SourceError(f"{where}: two of its {kind} have the same id. {_ADVICE}")
    good = _good_objects(objects, images, categories, where, bad)
    good.sort(key=lambda item: (item.image_id, item.id))
    for item, following in pairwise(good):
        if item[:2] == following[:2]:
            raise SourceError(
                f"{where}: two of its annotations have the same id {item.id}, both in image "
                f"{images[item.image_id].file_name!r}. {_ADVICE}"
            )
    return images, good, categories


def _good_objects(
    objects: list[Any],
    images: Mapping[int, Image],
    categories: Mapping[int, str],
    where: str,
    bad: BadAnnotations,
) -> list[Object]:
    good, problems = [], []
    for number, entry in enumerate(objects, start=1):
        try:
            good.append(_check_object(entry, images, categories))
        except _Fault as fault:
            image = images.get(entry.image_id) if type(entry.image_id) in (int, float) else None
            of_image = f" (image {image.file_name!r})" if image else ""
            name = _label("annotation", entry.id, number)
            problems.append(f"{where}: {name} {fault}{of_image}")
    bad.add(problems)
    return good


def _load(data: bytes, where: str) -> dict[str, Any]:
    try:
        # The hook drops segmentations while parsing: they are most of the 450 MB.
        table = json.loads(data, object_hook=_slim)
    except json.JSONDecodeError as error:
        reason = f"no JSON from line {error.lineno}, column {error.colno} on"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except RecursionError:
        reason = "nested too deeply"
    except ValueError:
        reason = "a number has thousands of digits"
    else:
        if isinstance(table, dict):
            return table
        reason = "one value, expected an object with images, annotations and categories"
    raise SourceError(f"{where}: not readable as COCO's JSON: {reason}. {_ADVICE}")


def _entries(
    table: dict[str, Any], key: str, where: str, convert: Callable[[Any], Any]
) -> list[Any]:
    """Return a list of the file with converted entries."""
    wrong = f"{where}: not laid out as COCO's JSON:"
    entries = table.get(key, _ABSENT)
    if type(entries) is not list:
        raise SourceError(f"{wrong} it {_has(key, entries)}, expected a list. {_ADVICE}")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict | Image | Object):
            shown = json.dumps(entry)[:60]
            raise SourceError(
                f"{wrong} entry {index + 1} of {key} is {shown}, expected an object. {_ADVICE}"
            )
        entries[index] = convert(entry)
    return entries


def _slim(item: dict[str, Any]) -> Any:
    """Return the needed fields of a JSON object, if its keys show its kind."""
    is_object = "bbox" in item or "image_id" in item
    is_image = "file_name" in item or "width" in item
    if is_object and not is_image:
        return _as_object(item)
    if is_image and not is_object:
        return _as_image(item)
    item.pop("segmentation", None)
    return item


def _as_object(entry: Any) -> Object:
    if isinstance(entry, Object):
        return entry
    get = (entry if isinstance(entry, dict) else entry._asdict()).get
    bbox = get("bbox", _ABSENT)
    numbers = tuple(bbox) if isinstance(bbox, list) else bbox
    ids = (get("image_id", _ABSENT), get("id", _ABSENT), get("category_id", _ABSENT))
    return Object(*ids, numbers, get("iscrowd", 0))


def _as_image(entry: Any) -> Image:
    if isinstance(entry, Image):
        return entry
    get = (entry if isinstance(entry, dict) else entry._asdict()).get
    return Image(*(get(key, _ABSENT) for key in Image._fields))


def _check_image(image: Image) -> Image:
    image_id, *size = (_whole(key, getattr(image, key)) for key in ("id", "width", "height"))
    if 0 in size:
        raise _Fault(f"is {size[0]} x {size[1]} px, expected a size above 0")
    name = image.file_name
    if not _is_text(name):
        raise _Fault(f"{_has('file_name', name)}, expected a name")
    steps = name.replace("\\", "/").split("/")
    if ".." in steps or not steps[0] or ":" in steps[0]:
        raise _Fault(f"is in {name!r}, expected a file inside the image folder")
    return Image(image_id, name, *size)


def _check_name(category: dict[str, Any]) -> str:
    name = category.get("name", _ABSENT)
    if not _is_text(name):
        raise _Fault(f"{_has('name', name)}, expected a name")
    return str(name)


def _check_object(
    item: Object, images: Mapping[int, Image], categories: Mapping[int, str]
) -> Object:
    image_id, number, category_id, box, iscrowd = item
    number = _whole("id", number)
    image_id, category_id = _whole("image_id", image_id), _whole("category_id", category_id)
    if image_id not in images:
        raise _Fault(f"{_has('image_id', image_id)}, which is not in the file")
    if category_id not in categories:
        raise _Fault(f"{_has('category_id', category_id)}, which is not in the file")
    if not (type(box) is tuple and len(box) == 4 and all(map(_is_number, box))):
        raise _Fault(f"{_has('bbox', box)}, expected four numbers")
    # Null is a flag that was not set. Text is not allowed: "0" would count as true.
    if iscrowd not in (None, 0, 1):
        raise _Fault(f"{_has('iscrowd', iscrowd)}, expected 0 or 1")
    return Object(image_id, number, category_id, box, bool(iscrowd))


def _whole(key: str, value: Any) -> int:
    """Return a whole number from 0 on, which some tools write as 1.0."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise _Fault(f"{_has(key, value)}, expected a whole number")
    return value


def _has(key: str, value: Any) -> str:
    if value is _ABSENT:
        return f"has no {key}"
    shown = json.dumps(value, default=lambda inner: inner._asdict())
    return f"has the {key} {shown if len(shown) <= 80 else shown[:77] + '...'}"


def _label(kind: str, entry_id: Any, number: int) -> str:
    """Return the name of an entry for errors: its id, or its number in the list."""
    if type(entry_id) in (int, float, str):
        return f"{kind} {json.dumps(entry_id)[:60]}"
    return f"{kind} number {number} of the list"


def _is_number(value: object) -> bool:
    """Return True for a number of pixels; NaN is a number, and means no box."""
    return type(value) in (int, float) and not abs(value) > _MOST_PX  # type: ignore[arg-type]


def _is_text(value: object) -> bool:
    """Return True for what files can hold; JSON may have line ends and halves of characters."""
    return isinstance(value, str) and value.isprintable()
