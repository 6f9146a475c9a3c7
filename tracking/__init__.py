"""Trackers on top of a network or OpenCV, and videos of their boxes."""

from typing import TYPE_CHECKING

from commands.lazy import lazy_names

if TYPE_CHECKING:
    from tracking.interface import BoxTracker, Prediction
    from tracking.tracker import Tracker
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "BoxTracker": "tracking.interface",
            "Prediction": "tracking.interface",
            "Tracker": "tracking.tracker",
        },
    )

__all__ = ["BoxTracker", "Prediction", "Tracker"]
