"""The targets of one video, as the readers of all box formats return them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import has_area
from datasets.tracks import SourceError, Track


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Video:
    """The frames of one video."""

    name: str
    folder: str
    """The video's folder, relative to the root."""
    frames: Sequence[str]
    """Files of the frames in time order."""
    numbers: NDArray[np.int32]
    """(T,) the numbers in the names of the images; counted from 0 in a video file."""

    def index(self, number: int, *, first: int | None, where: str) -> int:
        """Return the index of a frame.

        Args:
            number: The annotation's number of the frame.
            first: The annotation's number of the first frame; None if it has those of the images.
            where: Name of the annotation's row for errors.

        Raises:
            SourceError: There is no such frame.
        """
        offset = 0 if first is None else int(self.numbers[0]) - first
        index = int(np.searchsorted(self.numbers, number + offset))
        if index == len(self.numbers) or self.numbers[index] != number + offset:
            low, high = (int(self.numbers[end]) - offset for end in (0, -1))
            raise SourceError(
                f"{where}: frame {number} has no image, expected frames {low} to {high} "
                f"({len(self.frames)} images). Remove the row, or restore the image"
            )
        return index


class Row(NamedTuple):
    """A target in one frame."""

    frame: int
    """Index of the frame."""
    box_xywh: tuple[float, float, float, float]
    visible: bool = True
    occluded: bool = False
    generated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A target of a video."""

    name: str
    """Unique within the video."""
    category: str = "object"
    ignored: str | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    """Rows by the index of the frame."""

    def add(self, row: Row, *, where: str) -> None:
        """Add a row.

        Raises:
            SourceError: The target has a row for that frame.
        """
        if row.frame in self.rows:
            raise SourceError(
                f"{where}: target {self.name} again in the same frame, expected one box per target "
                "and frame. Remove one of the two"
            )
        self.rows[row.frame] = row


def make_track(video: Video, target: Target, *, origin: int, group: str) -> Track:
    """Return the track of a target.

    Args:
        video: Its video.
        target: The target, with one row or more.
        origin: Number of the first pixel in its boxes, 0 or 1.
        group: The unit that the split keeps together.
    """
    rows = [target.rows[index] for index in sorted(target.rows)]
    indices, boxes, visible, occluded, generated = map(np.array, zip(*rows, strict=True))
    boxes_xywh = boxes.astype(np.float64)
    boxes_xywh[:, :2] -= origin
    return Track(
        name=f"{video.name}-{target.name}",
        video=video.name,
        group=group,
        category=target.category,
        frames=[video.frames[index] for index in indices],
        frame_numbers=video.numbers[indices],
        boxes_xywh=boxes_xywh,
        visible=visible & has_area(boxes_xywh),
        occluded=occluded if occluded.any() else None,
        generated=generated if generated.any() else None,
        ignored=target.ignored,
    )
