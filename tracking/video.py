"""Frames in: from a video file, a folder of images or a camera."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from datasets.crops import Image, decode_image
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError

_LAST_CAMERA = 2**31 - 1
"""The largest index that OpenCV takes."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Video:
    """An opened source of frames; iterate over `frames` once."""

    name: str
    fps: float
    num_frames: int | None
    """None where the source does not know, as a camera."""
    frames: Iterator[Image]
    """(H, W, 3) uint8 RGB, in time order."""
    endless: bool = False
    """A camera: it goes on until someone stops it."""


def open_video(source: str, *, fps: float = 25.0) -> Video:
    """Open a video file, a folder of images, or a camera by its index.

    Args:
        source: Path, or digits for a camera.
        fps: Rate of a folder of images, which has none of its own.

    Raises:
        SourceError: Nothing is there, or no frame can be read.
    """
    path = Path(source)
    if path.is_dir():
        return _open_folder(path, fps)
    if path.is_file():
        return _open_capture(str(path), source, endless=False)
    if re.fullmatch(r"\d+", source):
        index = min(int(source), _LAST_CAMERA)
        return _open_capture(index, f"camera {source}", endless=True)
    raise SourceError(f"{source}: no such file or folder; pass a video, images or a camera index")


def _open_folder(folder: Path, fps: float) -> Video:
    names = [path.name for path in folder.iterdir()]
    paths = [folder / name for name in sort_frames(names, where=str(folder))]
    if not paths:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
        hint = f"its folders are {inside[:5]}" if inside else "it has no folders either"
        raise SourceError(f"{folder}: no images in this folder; {hint}. Pass the folder of images")
    return Video(name=str(folder), fps=fps, num_frames=len(paths), frames=map(_read_image, paths))


def _read_image(path: Path) -> Image:
    try:
        return decode_image(path.read_bytes())
    except ValueError as error:
        raise SourceError(f"{path}: {error}. Copy it again, or remove it") from error


def _open_capture(source: str | int, name: str, *, endless: bool) -> Video:
    with silent_opencv():
        capture = cv2.VideoCapture(source)
        first, image = capture.read()
    if not first:
        capture.release()
        hint = "is it connected and free" if endless else "is it a video that OpenCV plays"
        raise SourceError(f"{name}: no frame can be read; {hint}?")
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return Video(
        name=name,
        fps=fps if np.isfinite(fps) and 1 <= fps <= 1000 else 25.0,
        num_frames=count if count > 0 and not endless else None,
        frames=_read_capture(capture, image),
        endless=endless,
    )


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Keep OpenCV's lines about each backend that failed off the screen; ours says it in one."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _read_capture(capture: Any, image: Any) -> Iterator[Image]:
    try:
        more = True
        while more:
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            more, image = capture.read()
    finally:
        capture.release()
