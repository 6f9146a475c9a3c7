"""The supported raw datasets: one module per source, with the same two functions.

``list_parts`` names the units of annotation (a LaSOT sequence, a COCO JSON file); ``read_part``
yields the tracks of one unit. A new source is one module and one line of `SOURCES`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from datasets.sources import (
    coco,
    davis,
    det,
    folders,
    got10k,
    lasot,
    mot,
    trackingnet,
    uav123,
    vid,
)
from datasets.tracks import Track

__all__ = ["SOURCES", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """The reader of one raw dataset."""

    list_parts: Callable[..., list[str]]
    """Return the existing parts, sorted; SourceError if there are none."""
    read_part: Callable[..., Iterator[Track]]
    """Yield the tracks of one part, in an order that depends on the annotation alone."""
    leaves_out_bad: bool = False
    """True if ``read_part`` takes a `BadAnnotations` as third argument. Sources with one row per
    frame do not: leaving out a row would shift all others."""
    has_options: bool = False
    """True if both functions take `folders.FolderOptions` as an argument after these."""


SOURCES: dict[str, Source] = {
    "coco": Source(coco.list_parts, coco.read_part, leaves_out_bad=True),
    "davis": Source(davis.list_parts, davis.read_part),
    "det": Source(det.list_parts, det.read_part, leaves_out_bad=True),
    "folders": Source(folders.list_parts, folders.read_part, has_options=True),
    "got10k": Source(got10k.list_parts, got10k.read_part),
    "lasot": Source(lasot.list_parts, lasot.read_part),
    "mot": Source(mot.list_parts, mot.read_part),
    "trackingnet": Source(trackingnet.list_parts, trackingnet.read_part),
    "uav123": Source(uav123.list_parts, uav123.read_part),
    "vid": Source(vid.list_parts, vid.read_part, leaves_out_bad=True),
}
