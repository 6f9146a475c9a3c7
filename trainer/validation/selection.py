"""The choice of the best epoch: from figures of validation to one number to maximise.

A loss is no such figure: over-confidence raises it while places and sizes still improve.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from model.heads import Head
from trainer.validation.figures import KINDS, Measured


class Choice(NamedTuple):
    """Quality of the weights of an epoch."""

    select: str
    """Name in `SELECTIONS`."""
    value: float
    """Higher is better."""
    is_best: bool
    """Whether no epoch before has a higher value: of equals, the later one is taken."""


def iou(loss: float, groups: Measured) -> float:
    """Return the mean of the IoU on video and of that on stills, of those that there are."""
    values = _by_kind(groups, "iou")
    return sum(values) / len(values) if values else -math.inf


def place(loss: float, groups: Measured) -> float:
    """Return the IoU of a box of the true size on video, on stills if there is no video.

    Unlike the mean distance it is not decided by how far off the few lost targets are.
    """
    return next(iter(_by_kind(groups, "true_size_iou")), -math.inf)


def center(loss: float, groups: Measured) -> float:
    """Return minus the centre error on video, on stills if there is no video."""
    return -next(iter(_by_kind(groups, "center_error_px")), math.inf)


SELECTIONS: dict[str, Callable[[float, Measured], float]] = {
    "loss": lambda loss, groups: -loss,
    "iou": iou,
    "place": place,
    "center": center,
}
"""Name to function of the validation loss and the figures by group."""


def default_selection(head: Head) -> str:
    """Return the selection of ``--select auto``: ``iou`` needs a head that predicts sizes."""
    return "iou" if head.has_size else "place"


def choose(select: str, loss: float, groups: Measured, *, best_value: float) -> Choice:
    """Return the quality of an epoch by a selection, compared with the best value before it."""
    value = SELECTIONS[select](loss, groups)
    return Choice(select, value, value >= best_value)


def _by_kind(groups: Measured, name: str) -> list[float]:
    """Return a figure on video and on stills, where it is defined."""
    values = (groups[kind].get(name) for kind in KINDS if kind in groups)
    return [value for value in values if value is not None]
