"""Frames of video files as files of a root: ``clip.mp4#12`` is frame 12, counted from 0."""

import re
import threading
from pathlib import Path
from typing import Any

import cv2

from datasets.files.folders import RawFiles
from datasets.tracks import SourceError

_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm")
_FRAME = re.compile(r"(.+)#(\d+)")
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""Lossless, and fast rather than small: the bytes are decoded at once."""


def is_video(name: str) -> bool:
    """Return True if a file name is that of a video; hidden files, as on Macs, are not."""
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def count_frames(files: RawFiles, name: str) -> int:
    """Return the number of frames of a video file by decoding it: headers often state another.

    Raises:
        SourceError: The file is not on a local disk, or no frame can be decoded.
    """
    capture = _open(files, name)
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    if not count:
        raise SourceError(
            f"{files.where(name)}: no frame can be decoded. Convert it to MP4 (H.264)"
        )
    return count


class VideoFrames:
    """The files of a root, and the frames of its video files as PNG."""

    def __init__(self, files: RawFiles) -> None:
        self.root = files.root
        self.exists, self.list = files.exists, files.list
        self.sizes, self.where = files.sizes, files.where
        self._files = files
        self._lock = threading.Lock()
        self._name = ""
        self._capture: Any = None
        self._next = 0

    def read(self, name: str) -> bytes:
        """Return the content of a file or of a frame; frames are read fastest in their order."""
        match = _FRAME.fullmatch(name)
        if match is None or not is_video(match[1]):
            return self._files.read(name)
        with self._lock:
            return self._read_frame(match[1], int(match[2]))

    def _read_frame(self, name: str, number: int) -> bytes:
        if name != self._name or number < self._next:
            self._capture, self._name, self._next = _open(self._files, name), name, 0
        while self._next < number and self._capture.grab():
            self._next += 1
        done, image = self._capture.read()
        if not done:
            self._name = ""
            raise SourceError(
                f"{self.where(name)}: frame {number} cannot be decoded. Copy the video again"
            )
        self._next += 1
        return bytes(cv2.imencode(".png", image, _PNG)[1])


def _open(files: RawFiles, name: str) -> Any:
    path = files.where(name)
    if not Path(path).is_file():
        raise SourceError(
            f"{path}: a video file is only read from a local folder. Copy it to one, not packed"
        )
    return cv2.VideoCapture(path)
