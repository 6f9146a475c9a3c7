"""The formats of boxes in a video's folder: one module per format, with the same two functions.

``find`` names the files of a video's boxes, and ``read`` returns its targets.
"""

from collections.abc import Callable
from dataclasses import dataclass

from datasets.files.folders import RawFiles
from datasets.sources.boxes import coco_tracks, cvat, masks, mot, text
from datasets.sources.boxes.targets import Target, Video

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """The reader of one format."""

    find: Callable[[RawFiles, str, str], list[str]]
    """Return the files of boxes of a video, by its folder and name; empty if there are none."""
    read: Callable[[RawFiles, list[str], Video], list[Target]]
    """Return the targets of a video; SourceError has the file and its row."""
    origin: int
    """Number of the first pixel, unless the user says otherwise."""
    what: str
    """Description, for messages."""


FORMATS: dict[str, Format] = {
    "text": Format(text.find, text.read, 1, "boxes as text"),
    "mot": Format(mot.find, mot.read, 1, "MOTChallenge's gt/gt.txt"),
    "cvat": Format(cvat.find, cvat.read, 0, "CVAT's XML for video"),
    "coco": Format(coco_tracks.find, coco_tracks.read, 0, "COCO's JSON with tracks"),
    "masks": Format(masks.find, masks.read, 0, "masks"),
}
