"""Trackers on top of a network or OpenCV, and videos of their boxes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracking.interface import BoxTracker, Prediction
    from tracking.tracker import Tracker
else:
    _MODULES = {
        "BoxTracker": "tracking.interface",
        "Prediction": "tracking.interface",
        "Tracker": "tracking.tracker",
    }

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use: torch takes seconds."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


__all__ = ["BoxTracker", "Prediction", "Tracker"]
