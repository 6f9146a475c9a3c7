"""Frames for which a tracker had no answer, so that its box of the frame before was kept.

    <results>/<tracker>/kept/<sequence>.kept    how many, where there were any

Such boxes are scored as any others; the table has their number beside the tracker.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.results.files import write_text
from tracking.interface import BoxTracker, Prediction


class CountingTracker:
    """Wraps a tracker and counts its updates without an answer."""

    def __init__(self, tracker: BoxTracker) -> None:
        self._tracker = tracker
        self.num_kept = 0
        """Number of such updates."""

    def init(self, image: NDArray[np.uint8], box_xywh: NDArray[np.float64]) -> None:
        """Start on a frame with the target's box."""
        self._tracker.init(image, box_xywh)

    def update(self, image: NDArray[np.uint8]) -> Prediction:
        """Return the prediction of the tracker."""
        prediction = self._tracker.update(image)
        self.num_kept += prediction.kept
        return prediction


def write_kept(folder: Path, result: str, num_kept: int) -> None:
    """Note the number for one result file of a tracker's folder, given without its suffix."""
    path = folder / "kept" / f"{result}.kept"
    if num_kept == 0:
        path.unlink(missing_ok=True)
        return
    write_text(path, f"{num_kept}\n")


def kept_note(folder: Path) -> str:
    """Return the remark beside a tracker's numbers; empty if it always had an answer."""
    counts = [int(path.read_text(encoding="ascii")) for path in folder.glob("kept/*.kept")]
    if not counts:
        return ""
    return f"frames without an answer, where the box before was kept: {sum(counts):,}"
