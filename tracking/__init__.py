"""Trackers on top of a network or OpenCV, and videos of their boxes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracking.tracker import BoxTracker, Prediction, Tracker
else:
    _MODULES = dict.fromkeys(("BoxTracker", "Prediction", "Tracker"), "tracking.tracker")

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use: torch takes seconds."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


__all__ = ["BoxTracker", "Prediction", "Tracker"]
