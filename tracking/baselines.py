"""Trackers to compare with: a box that never moves, and the trackers of OpenCV.

MIL is in opencv-python. CSRT and KCF are in opencv-contrib-python, which takes opencv-python's
place (both provide ``cv2``; never install the two together).
"""

import ctypes
import os
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.images import Image
from tracking.decoders.base import Floats
from tracking.interface import BoxTracker, Prediction, check_box, to_rgb

SHORTEST_S = 1e-4
"""Shortest time of a frame that counts: a box that never moves has no speed."""
_SMALLEST_PX = 8
"""On targets of 4 x 4 px OpenCV's MIL never returns: none of its random features fits in."""
_OPENCV_NAMES = {"mil": "TrackerMIL", "csrt": "TrackerCSRT", "kcf": "TrackerKCF"}
_SETTINGS: Mapping[str, Mapping[str, float]] = {"kcf": {"detect_thresh": 0.0}}
"""Settings in which OpenCV differs from the publication: KCF takes the highest response, however
low. MIL and CSRT come with the values of their authors' own code."""


class StaticTracker:
    """A box that never moves: the lowest baseline."""

    def __init__(self) -> None:
        self._box: Floats | None = None

    def init(self, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]) -> None:
        """Keep the box."""
        self._box = check_box(box_xywh)

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Return the first box."""
        if self._box is None:
            raise ValueError("update before init: call init with the first frame and its box")
        return Prediction(box_xywh=self._box.copy(), score=1.0)


class OpenCVTracker:
    """A tracker of OpenCV, which takes only whole pixels inside the frame.

    The difference between the first box and its rounded and clipped copy is added to every
    prediction. Where OpenCV has no answer or fails, the last box is kept, with score 0.

    Args:
        create: Factory of OpenCV's object.
    """

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create
        self._tracker: Any = None

    def init(self, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]) -> None:
        """Start on a frame with the target's box."""
        image, box = to_rgb(image), check_box(box_xywh)
        self._box = box
        self._shape = image.shape
        whole_xywh = _whole_box(box, image.shape[1], image.shape[0])
        self._whole_center = _center(whole_xywh)
        self._offset = _center(box) - self._whole_center
        self._stretch = box[2:] / whole_xywh[2:]
        self._tracker = None
        if min(image.shape[:2]) < _SMALLEST_PX:
            return
        _seed_opencv()
        tracker = self._create()
        try:
            tracker.init(_bgr(image), tuple(int(value) for value in whole_xywh))
        except cv2.error:  # such as MIL's on a target that fills the frame
            return
        self._tracker = tracker

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Return OpenCV's box for the next frame."""
        has_answer, whole_xywh = False, (0, 0, 0, 0)
        image = to_rgb(image)
        if self._tracker is not None and image.shape == self._shape:
            try:
                has_answer, whole_xywh = self._tracker.update(_bgr(image))
            except cv2.error:
                has_answer = False
        has_answer = bool(has_answer) and min(whole_xywh[2:]) > 0
        if has_answer:
            whole = np.array(whole_xywh, np.float64)
            size = whole[2:] * self._stretch
            self._box = np.concatenate([_center(whole) + self._offset - size / 2, size])
        return Prediction(box_xywh=self._box.copy(), score=float(has_answer), kept=not has_answer)


def _seed_opencv() -> None:
    """Make MIL repeatable: it draws from the generators of OpenCV and of the C library."""
    cv2.setRNGSeed(0)
    if os.name == "posix":
        ctypes.CDLL(None).srand(0)


def _whole_box(box_xywh: Floats, frame_width: int, frame_height: int) -> Floats:
    """Return the box in whole pixels, inside the frame, and large enough for OpenCV."""
    frame = np.array([frame_width, frame_height], np.float64)
    start = np.clip(np.round(box_xywh[:2]), 0, np.maximum(frame - _SMALLEST_PX, 0))
    end = np.round(box_xywh[:2] + box_xywh[2:])
    stop = np.minimum(np.maximum(end, start + _SMALLEST_PX), frame)
    return np.concatenate([start, stop - start])


def _center(box_xywh: Floats) -> Floats:
    return np.asarray(box_xywh[:2] + box_xywh[2:] / 2)


def _bgr(image: Image) -> Image:
    """Return the image with the channel order of OpenCV."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _opencv_factories() -> dict[str, Callable[[], BoxTracker]]:
    """Return the factories of the trackers that this build of OpenCV has."""
    return {
        name: partial(OpenCVTracker, partial(_create_opencv, name))
        for name, class_name in _OPENCV_NAMES.items()
        if hasattr(cv2, f"{class_name}_create")
    }


def _create_opencv(name: str) -> Any:
    class_name = _OPENCV_NAMES[name]
    params = getattr(cv2, f"{class_name}_Params")()
    for setting, value in _SETTINGS.get(name, {}).items():
        setattr(params, setting, value)
    return getattr(cv2, f"{class_name}_create")(params)


BASELINES: Mapping[str, Callable[[], BoxTracker]] = MappingProxyType(
    {"static": StaticTracker, **_opencv_factories()}
)
"""Factories by name; without the trackers that this build of OpenCV lacks."""


def create_baseline(name: str) -> BoxTracker:
    """Return a new baseline tracker.

    Raises:
        ValueError: The name is unknown, or this build of OpenCV lacks the tracker.
    """
    if name in BASELINES:
        return BASELINES[name]()
    if name in _OPENCV_NAMES:
        raise ValueError(
            f"tracker {name!r}: cv2 {cv2.__version__} has no {_OPENCV_NAMES[name]}. It is in "
            "opencv-contrib-python: uninstall opencv-python first, then install that"
        )
    raise ValueError(f"tracker {name!r}: unknown, expected one of {sorted(BASELINES)}")


def baseline_identity(name: str) -> str:
    """Return the name of a baseline and its settings other than OpenCV's."""
    return " ".join([name, *(f"{key}={value:g}" for key, value in _SETTINGS.get(name, {}).items())])
