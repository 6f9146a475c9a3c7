"""CVAT XML "for video 1.1": ``track`` elements with a ``box`` per frame, frames counted from 0."""

import math
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from datasets.files.folders import RawFiles
from datasets.sources.boxes.targets import Row, Target, Video
from datasets.tracks import SourceError

_ADVICE = "Export the task from CVAT again, as 'CVAT for video 1.1'"


def find(files: RawFiles, folder: str, name: str) -> list[str]:
    """Return the XML files."""
    return [f"{folder}/{entry}" for entry in files.list(folder) if entry.lower().endswith(".xml")]


def read(files: RawFiles, names: list[str], video: Video) -> list[Target]:
    """Return the tracks, by their ids; a box with ``outside`` is a frame without the target.

    Raises:
        SourceError: The file or a box is wrong; the message has file, track and frame.
    """
    if len(names) > 1:
        raise SourceError(f"{files.where(names[1])}: a second XML file, expected one. Remove it")
    where = files.where(names[0])
    try:
        root = fromstring(files.read(names[0]))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise SourceError(f"{where}: not readable as XML ({error}). {_ADVICE}") from None
    tracks = root.findall("track")
    if not tracks:
        kind = "boxes of single images" if root.find("image") is not None else "no track"
        raise SourceError(f"{where}: {kind}, expected tracks. {_ADVICE}")
    targets: dict[int, Target] = {}
    for number, track in enumerate(tracks, start=1):
        track_id = _whole(track, "id", f"{where}: track number {number}")
        name = f"{where}: track {track_id}"
        if track_id in targets:
            raise SourceError(f"{name} exists twice. {_ADVICE}")
        target = Target(name=str(track_id), category=track.get("label") or "object")
        for box in track.findall("box"):
            frame = _whole(box, "frame", name)
            row = f"{name}, frame {frame}"
            target.add(_row(box, video.index(frame, first=0, where=name), row), where=row)
        if not target.rows:
            raise SourceError(f"{name} has no box. Draw rectangles, not other shapes. {_ADVICE}")
        targets[track_id] = target
    return [targets[track_id] for track_id in sorted(targets)]


def _row(box: Element, index: int, where: str) -> Row:
    left, top, right, bottom = (_number(box, key, where) for key in ("xtl", "ytl", "xbr", "ybr"))
    if right < left or bottom < top:
        raise SourceError(f"{where}: a box of negative size. {_ADVICE}")
    if "rotation" in box.attrib:
        left, top, right, bottom = _around(
            left, top, right, bottom, _number(box, "rotation", where)
        )
    return Row(
        index,
        (left, top, right - left, bottom - top),
        visible=not _flag(box, "outside", where),
        occluded=_flag(box, "occluded", where),
        generated="keyframe" in box.attrib and not _flag(box, "keyframe", where),
    )


def _around(
    left: float, top: float, right: float, bottom: float, degrees: float
) -> tuple[float, float, float, float]:
    """Return the edges of the upright box around a box that is turned about its centre."""
    cos, sin = (abs(turn(math.radians(degrees))) for turn in (math.cos, math.sin))
    x, y, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    half_w, half_h = (w * cos + h * sin) / 2, (w * sin + h * cos) / 2
    return x - half_w, y - half_h, x + half_w, y + half_h


def _number(box: Element, key: str, where: str) -> float:
    try:
        value = float(box.attrib[key])
        if abs(value) < 1e9:  # NaN is not
            return value
    except (KeyError, ValueError):
        pass
    raise SourceError(f"{where}: {key} is {box.get(key)!r}, expected a number. {_ADVICE}")


def _whole(item: Element, key: str, where: str) -> int:
    text = item.get(key, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise SourceError(f"{where}: {key} is {item.get(key)!r}, expected a number. {_ADVICE}")
    return int(text)


def _flag(box: Element, key: str, where: str) -> bool:
    text = box.get(key, "0")
    if text not in ("0", "1"):
        raise SourceError(f"{where}: {key} is {text!r}, expected 0 or 1. {_ADVICE}")
    return text == "1"
