"""The record that all raw sources yield: a target followed through time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


class SourceError(ValueError):
    """A raw dataset is missing, damaged, or not laid out as its readers expect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BadAnnotations:
    """Wrong annotations that are left out, up to a limit."""

    limit: int = 0
    """Number of allowed ones."""
    messages: list[str] = field(default_factory=list)
    """The problem of each, with its place."""

    def add(self, messages: Sequence[str]) -> None:
        """Leave some annotations out.

        Raises:
            SourceError: There are more than allowed; the message has the first one.
        """
        self.messages.extend(messages)
        if messages and len(self.messages) > self.limit:
            total = len(self.messages)
            more = f" ({total} such annotations so far)" if total > 1 else ""
            raise SourceError(
                f"{messages[0]}{more}. Correct it, or leave out and count such annotations with "
                f"--max-bad-annotations"
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Track:
    """One target followed through T frames; one object of a still image has T = 1."""

    name: str
    """Unique within its source, such as ``"airplane-1"``."""
    video: str
    """The recording."""
    group: str
    """The unit that the train/val split keeps together."""
    category: str
    """Class of the target in its source's words, such as ``"airplane"``."""
    frames: Sequence[str]
    """The T image files in time order, ``/``-separated and relative to the source's root."""
    frame_numbers: NDArray[np.int32]
    """(T,) the dataset's own frame numbers; gaps in them are gaps in time."""
    boxes_xywh: NDArray[np.float64]
    """(T, 4) left, top, width, height in pixels, origin at the image's top-left corner."""
    visible: NDArray[np.bool_]
    """(T,) False where the target is fully occluded, out of view or has no box."""
    frame_size: tuple[int, int] | None = None
    """Width and height of the images according to the annotation; None if it has none."""
    occluded: NDArray[np.bool_] | None = None
    """(T,) True where the source marks the target as partly occluded; None if it never does."""
    truncated: NDArray[np.bool_] | None = None
    """(T,) True where the source marks the target as cut by the image border."""
    generated: NDArray[np.bool_] | None = None
    """(T,) True where the box was interpolated and not drawn by hand."""
    ignored: str | None = None
    """Reason for leaving the whole track out by default, such as ``"crowd"``; None for none."""

    def __post_init__(self) -> None:
        """Reject arrays that disagree on the number of frames."""
        length = len(self.frames)
        flags = (self.visible, self.occluded, self.truncated, self.generated, self.frame_numbers)
        if self.boxes_xywh.shape != (length, 4) or any(
            array is not None and array.shape != (length,) for array in flags
        ):
            shapes = [array.shape for array in (self.boxes_xywh, *flags) if array is not None]
            raise SourceError(
                f"{self.name}: {length} frames need boxes of shape ({length}, 4) and flags of "
                f"shape ({length},), got {shapes}. The annotation and the images disagree"
            )
