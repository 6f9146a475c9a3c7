"""The interface of a decoder, and functions that several decoders share.

All geometry is in pixels of the plain search crop. Cells are not symmetric around the crop's
centre, so a decoder takes their locations from the network's head.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from model.sizes import SEARCH_SIZE

Floats = NDArray[np.float64]
CENTER = (SEARCH_SIZE - 1) / 2
"""The search crop's centre in the pixel-centre coordinates of the cells."""


class Settings(Protocol):
    """Settings of a decoder: a frozen dataclass, each field a setting."""

    @property
    def template_rate(self) -> float:
        """Share of the template's features that each frame renews."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """Motion of a target that was in the centre of the search crop."""

    shift_in_search: tuple[float, float]
    """(x, y) by which the target's centre has moved."""
    size_in_search: tuple[float, float]
    """(w, h) of the target."""
    score: float
    """Confidence from 0 to 1."""


class Decoder(ABC):
    """Decode the outputs of one kind of head.

    Args:
        settings: Of the class `settings_class`.
        locations: (n,) locations of the cells along one axis, in pixel-centre coordinates.
    """

    settings_class: ClassVar[type[Any]]
    """Dataclass of the settings; its defaults are used unless a preset or file is chosen."""
    presets: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Settings by name; defaults are used for absent names."""
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = MappingProxyType({})
    """Settings that `evaluation.tune` searches: lowest and highest value."""

    def __init__(self, settings: Any, locations: Floats) -> None:
        self.settings = settings
        self.locations = locations

    @property
    def scales(self) -> Floats:
        """(N,) sides of the search crops, in units of the plain one."""
        return np.ones(1)

    @property
    def calibration_zooms(self) -> Floats:
        """(K,) sides of the first frame's search crops to `calibrate` on, in units of the plain."""
        return np.empty(0)

    def calibrate(self, answers: Sequence[Mapping[str, Floats]], sizes: Floats) -> "Decoder":
        """Return the decoder for one target, after its first frame.

        Args:
            answers: Outputs of the head for K crops of the first frame, target in the centre.
            sizes: (K, 2) size (w, h) of the target in each.
        """
        return self

    @abstractmethod
    def decode(self, outputs: Mapping[str, Floats], size_in_search: tuple[float, float]) -> Motion:
        """Return the motion of the target.

        Args:
            outputs: Outputs of the head with N rows.
            size_in_search: Last (w, h) of the target.
        """

    @abstractmethod
    def side_limits(self, first_size: Floats, frame_size: Floats) -> tuple[Floats, Floats]:
        """Return the smallest and the largest (2,) size (w, h) allowed.

        Args:
            first_size: (2,) size of the first box.
            frame_size: (2,) size of the frame.
        """


def check_share(name: str, value: float) -> None:
    """Check that a setting is a number from 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, expected a number from 0 to 1")


def sigmoid(logits: Floats) -> Floats:
    """Return the probabilities of logits, also of huge ones."""
    return np.asarray(1 / (1 + np.exp(np.clip(-logits, -500, 500))), dtype=np.float64)


def hann_window(locations: Floats) -> Floats:
    """Return an (n, n) Hann window around the crop's centre, above 0 at every location."""
    step = locations[1] - locations[0]
    reach = np.abs(locations - CENTER).max() + step
    profile = 0.5 * (1 + np.cos(np.pi * (locations - CENTER) / reach))
    return np.asarray(np.outer(profile, profile), dtype=np.float64)


def mix(score: Floats, window: Floats, weight: float) -> Floats:
    """Return the mean of score and window, in which the window has a weight."""
    return score * (1 - weight) + window * weight


def best_cell(values: Floats) -> tuple[int, int]:
    """Return row and column of the highest value of a map."""
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)
