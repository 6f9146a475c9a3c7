"""A benchmark's sequences, and the two ways of counting pixels.

Ground truth keeps the numbers of the benchmark's own files, because the rules of the metrics are
about those: OTB, UAV123 and LaSOT call the top-left pixel (1, 1). Trackers see boxes whose origin
is the image's top-left corner. ``to_edges`` and ``to_file`` are the only way between the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import has_area, parse_boxes, read_text
from datasets.files import RawFiles
from datasets.image_headers import image_size
from datasets.images import Image, decode_image
from datasets.levels import levels_of
from datasets.tracks import SourceError

Boxes = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BenchmarkSequence:
    """One item of a benchmark: T frames and the target's box in each."""

    name: str
    """As the benchmark's own toolkit spells it."""
    part_of: str = ""
    """Name of the sequence that this is a start of, if it is one."""
    frames: tuple[str, ...]
    """The T image files, relative to the benchmark's root."""
    truth: Boxes
    """(T, 4) left, top, width, height as in the file, counted from 1; NaN where there is none.
    For VOT, (T, 8) corners of a polygon as in the file, counted from 0."""
    absent: NDArray[np.bool_] | None = None
    """(T,) True where the target is flagged absent, if the benchmark has such flags."""
    attributes: tuple[str, ...] = ()
    """Difficulties, such as ``"Occlusion"``; empty if the copy has none."""
    tags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Difficulties of single frames: (T,) True where a frame has the one of that name."""
    group: str = ""
    """Group of its recording in training manifests."""
    image_size: tuple[int, int] | None = None
    """Width and height in pixels, if the annotation has them."""

    def __post_init__(self) -> None:
        """Reject names that lead out of a folder, and arrays of different lengths."""
        if "/" in self.name or "\\" in self.name or self.name in {"", ".", ".."}:
            raise SourceError(
                f"sequence name {self.name!r} is not a plain folder name. Result files are named "
                "after it: correct the benchmark's list of sequences"
            )
        lengths = {len(self.frames), len(self.truth)}
        if self.absent is not None:
            lengths.add(len(self.absent))
        if len(lengths) != 1 or lengths == {0}:
            raise SourceError(
                f"{self.name}: {len(self.frames)} images, {len(self.truth)} lines of ground truth"
                + ("" if self.absent is None else f", {len(self.absent)} absence flags")
                + ", expected equally many and at least one. The copy is incomplete or mixed up"
            )
        first = self.truth[0]
        if not np.isfinite(first).all() or (len(first) == 4 and not has_area(first)):
            raise SourceError(
                f"{self.name}: the first line of its ground truth is {first.tolist()}, expected a "
                "box with an area to start on. Copy it again"
            )


def read_truth(files: RawFiles, name: str) -> Boxes:
    """Return the (T, 4) boxes of a file of ground truth, in its own numbers.

    Raises:
        SourceError: The file is missing, or a line does not hold four numbers.
    """
    return parse_boxes(read_text(files, name), where=files.where(name))


def read_image(files: RawFiles, name: str) -> Image:
    """Return a frame as (H, W, 3) uint8 RGB.

    Raises:
        SourceError: It is missing or cannot be decoded.
    """
    try:
        return decode_image(files.read(name), levels=levels_of(files, name))
    except SourceError:
        raise
    except ValueError as error:
        raise SourceError(f"{files.where(name)}: {error}. Copy it again") from error


def read_size(files: RawFiles, name: str) -> tuple[int, int]:
    """Return width and height of a frame, which is not decoded.

    Raises:
        SourceError: It is missing or damaged.
    """
    data = files.read(name)
    try:
        return image_size(data)
    except ValueError as error:
        raise SourceError(f"{files.where(name)}: {error}. Copy it again") from error


def to_edges(box_xywh: Boxes) -> Boxes:
    """Convert (..., 4) boxes counted from pixel 1 to boxes whose origin is the image's corner."""
    return np.asarray(box_xywh - np.array([1.0, 1.0, 0.0, 0.0]))


def to_file(box_xywh: Boxes) -> Boxes:
    """Convert (..., 4) boxes whose origin is the image's corner to boxes counted from pixel 1."""
    return np.asarray(box_xywh + np.array([1.0, 1.0, 0.0, 0.0]))
