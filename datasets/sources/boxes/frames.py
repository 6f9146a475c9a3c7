"""The frames of a video's folder: images in time order, or those of one video file."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.files.folders import RawFiles
from datasets.files.video_frames import count_frames, is_video
from datasets.frame_order import is_image, sort_frames
from datasets.sources.boxes.targets import Video
from datasets.tracks import SourceError

_IMAGE_FOLDERS = ("", "img", "img1", "images", "images/default", "frames")
_MOST_GAPS = 10
"""Largest span of the numbers in image names, per image; larger ones are times."""


def read_video(files: RawFiles, folder: str) -> Video:
    """Return the frames of a video's folder.

    Raises:
        SourceError: It has several video files, or images of unknown order.
    """
    name = folder.rpartition("/")[2]
    frames = find_frames(files, folder)
    if not is_video(frames[0]):
        numbers = _frame_numbers([frame.rpartition("/")[2] for frame in frames])
        return Video(name=name, folder=folder, frames=frames, numbers=numbers)
    if len(frames) > 1:
        raise SourceError(
            f"{files.where(folder)}: {len(frames)} video files, such as {frames[1]}, expected one. "
            "Make a folder for each"
        )
    count = count_frames(files, frames[0])
    names = [f"{frames[0]}#{number}" for number in range(count)]
    return Video(name=name, folder=folder, frames=names, numbers=np.arange(count, dtype=np.int32))


def find_frames(files: RawFiles, folder: str) -> list[str]:
    """Return the images of a folder in time order, or else its video files."""
    for inner in _IMAGE_FOLDERS:
        images = f"{folder}/{inner}".rstrip("/")
        names = list_inner(files, folder, inner)
        if any(map(is_image, names)):
            return [f"{images}/{name}" for name in sort_frames(names, where=files.where(images))]
    return [f"{folder}/{name}" for name in files.list(folder) if is_video(name)]


def list_inner(files: RawFiles, folder: str, inner: str) -> list[str]:
    """Return the names in a folder inside of another; empty if it does not exist.

    A store is asked for the outer folder alone where that lacks the inner one: it answers again
    from memory, and an absent folder takes two requests each time.
    """
    if inner and inner.partition("/")[0] not in files.list(folder):
        return []
    return files.list(f"{folder}/{inner}".strip("/"))


def _frame_numbers(names: Sequence[str]) -> NDArray[np.int32]:
    """Return the last number of each image's name, or positions from 0 if these are no counter."""
    last = [re.findall(r"[0-9]+", name.rpartition(".")[0])[-1:] for name in names]
    numbers = np.array([int(digits[0]) if digits else 0 for digits in last], dtype=object)
    if (
        len(names) > 1
        and (numbers[1:] > numbers[:-1]).all()
        and numbers[-1] < 2**31
        and numbers[-1] - numbers[0] < _MOST_GAPS * len(names)
    ) or (len(names) == 1 and numbers[0] < 2**31):
        return numbers.astype(np.int32)
    return np.arange(len(names), dtype=np.int32)
