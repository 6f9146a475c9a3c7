"""Writing of an mp4 file that is complete or absent."""

import os
import struct
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from commands.files import whole_file
from datasets.tracks import SourceError
from tracking.video import silent_opencv

_PROBE_BYTES = 1 << 20
"""Size of the test write that fails on a full disk."""


class VideoWriter:
    """Write an mp4 file under a temporary name, read it back, then rename it.

    All frames have the size of the first; an odd side gets a copy of its last row or column,
    because video codecs halve the colour planes.

    Args:
        path: The file, ending in ``.mp4``.
        fps: Frames per second.
        codec: ``"mp4v"``, quick and played by desktop players, or ``"vp09"``, 40 times slower
            and played by browsers.
    """

    def __init__(self, path: Path, *, fps: float, codec: str = "mp4v") -> None:
        if path.suffix != ".mp4":
            raise SourceError(f"{path}: a video's name must end in .mp4")
        if path.is_dir():
            raise SourceError(f"{path}: a folder, expected the name of a video to write")
        self.path = path
        self.num_frames = 0
        self._fps, self._codec = fps, codec
        self._file = ExitStack()
        self._temporary = path
        self._shape: tuple[int, ...] = ()
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Return the writer; the file is in place when the block ends without an exception."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Read the file back and rename it into place, or remove it after an exception."""
        if self._writer is not None:
            with silent_opencv():
                self._writer.release()
        if error is not None:
            self._file.__exit__(kind, error, trace)
            return
        with self._file:
            if self.num_frames > 0:
                self._check()

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append one (H, W, 3) uint8 RGB frame.

        Raises:
            SourceError: The codec is missing, or the frame has another size than the first.
            OSError: The file cannot be written, or the disk is full.
        """
        if self._writer is None:
            self._open(image)
        if image.shape != self._shape:
            raise SourceError(
                f"{self.path}: frame {self.num_frames} is {image.shape[1]} x {image.shape[0]}, "
                f"expected {self._shape[1]} x {self._shape[0]} as the first. Resize the frames"
            )
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        bottom, right = image.shape[0] % 2, image.shape[1] % 2
        if bottom or right:
            bgr = cv2.copyMakeBorder(bgr, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        with silent_opencv():
            done = self._writer.write(bgr)
        if done is False:  # OpenCV 4 returns None; the file is checked at the end
            self._raise_reason(f"frame {self.num_frames} could not be encoded")
        self.num_frames += 1

    def _open(self, image: NDArray[np.uint8]) -> None:
        height, width = image.shape[0] + image.shape[0] % 2, image.shape[1] + image.shape[1] % 2
        self._temporary = self._file.enter_context(whole_file(self.path, suffix=".mp4"))
        code = cv2.VideoWriter.fourcc(*self._codec)
        with silent_opencv():
            writer = cv2.VideoWriter(str(self._temporary), code, self._fps, (width, height))
        if not writer.isOpened():
            advice = "install opencv-python" if self._codec == "mp4v" else "try codec 'mp4v'"
            self._raise_reason(
                f"this OpenCV cannot encode {self._codec!r} at {width} x {height} px and "
                f"{self._fps:g} frames/s; {advice}"
            )
        self._writer, self._shape = writer, image.shape

    def _check(self) -> None:
        """Read the video back: OpenCV does not report a full disk."""
        num_read = _count_frames(self._temporary)
        if num_read != self.num_frames:
            self._raise_reason(
                f"{num_read} of its {self.num_frames} frames can be read back; it is not kept. "
                "Check the disk, and run the same command again"
            )

    def _raise_reason(self, problem: str) -> NoReturn:
        """Raise the system's error if a test write fails, else an error with the problem."""
        with self._temporary.open("ab") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        raise SourceError(f"{self.path}: {problem}")


def _count_frames(path: Path) -> int:
    """Return the number of frames of an mp4 file that can be decoded."""
    if not _has_index(path):  # ffmpeg would print a message
        return 0
    num_frames = 0
    with silent_opencv():
        capture = cv2.VideoCapture(str(path))
        while capture.grab():
            num_frames += 1
        capture.release()
    return num_frames


def _has_index(path: Path) -> bool:
    """Return True if an mp4 file has the box that is written last."""
    with path.open("rb") as file:
        while len(header := file.read(16)) == 16:
            size, kind, large_size = struct.unpack(">I4sQ", header)
            if kind == b"moov":
                return True
            file.seek((large_size if size == 1 else max(size, 8)) - 16, os.SEEK_CUR)
    return False
