"""Drawing tracks by weight, and crops of a track, from numbers in [0, 1)."""

import numpy as np
from numpy.typing import NDArray

from sampling.tracks import TrackTable

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]

NEGATIVE = ("negative_ratio", "search crop", "video")
BACKGROUND = ("transplant", "background", "group")
"""Draws outside of a template's own unit: the option that asks for it, the crop and the unit."""


class TrackDraw:
    """Draws tracks by weight: the tracks side by side on a line, as long as they weigh.

    Args:
        weight: (T,) how often each track is drawn.
        units: (T,) the video or the group of each track, for draws outside of it.
        windows: (T,) the window of each track; None for a single one.
    """

    def __init__(self, weight: _Floats, units: _Ints, windows: _Ints | None) -> None:
        order = np.flatnonzero(weight)
        of_window = np.zeros_like(weight, np.int64) if windows is None else windows
        self.order = order[np.lexsort((units[order], of_window[order]))]
        """(K,) tracks with any weight, ordered by window, then unit."""
        self.windows = of_window[self.order]
        self._units = units[self.order]
        self._edges = np.concatenate([[0.0], np.cumsum(weight[self.order])])

    def any_track(self, u: _Floats) -> _Ints:
        """Return a position in ``order`` for each number in [0, 1)."""
        return self._at(u * self._edges[-1], 0, self.order.size)

    def position(self, tracks: _Ints) -> _Ints:
        """Return where in ``order`` tracks with any weight are."""
        positions = np.empty(self.order.max() + 1, np.int64)
        positions[self.order] = np.arange(self.order.size)
        found: _Ints = positions[tracks]
        return found

    def other_unit(self, chosen: _Ints, u: _Floats, *, asked_for: tuple[str, str, str]) -> _Ints:
        """Return tracks of the same window, but of another unit than the ``chosen`` positions.

        Raises:
            ValueError: There is none for some of them; ``asked_for`` tells who asked for what.
        """
        new_window = np.diff(self.windows, prepend=-1) != 0
        new_unit = new_window | (np.diff(self._units, prepend=-1) != 0)
        window_start, window_stop = _runs(new_window, chosen)
        start, stop = _runs(new_unit, chosen)
        if (alone := window_stop - window_start == stop - start).any():
            option, crop, unit = asked_for
            raise ValueError(
                f"{option} asks for a {crop} of another {unit}, but {alone.sum()} templates have "
                f"no other {unit} in reach. Add data, set {option} to 0, or enlarge the shard cache"
            )
        edges = self._edges
        own = edges[stop] - edges[start]
        point = edges[window_start] + u * (edges[window_stop] - edges[window_start] - own)
        point += np.where(point >= edges[start], own, 0.0)  # step over the own unit
        found = self._at(point, window_start, window_stop)
        # rounding may end within the own unit: take the nearest outside
        inside = (found >= start) & (found < stop)
        outside = np.where(stop < window_stop, stop, start - 1)
        tracks: _Ints = self.order[np.where(inside, outside, found)]
        return tracks

    def _at(self, point: _Floats, first: _Ints | int, stop: _Ints | int) -> _Ints:
        found = np.searchsorted(self._edges, point, side="right") - 1
        return np.clip(found, first, np.asarray(stop) - 1)


def any_crop(tracks: TrackTable, chosen: _Ints, u: _Floats) -> _Ints:
    """Return positions of crops, one of each track, all of its crops alike."""
    return tracks.starts[chosen] + pick(u, tracks.starts[chosen + 1] - tracks.starts[chosen])


def pick(u: _Floats, count: _Ints) -> _Ints:
    """Turn numbers in [0, 1) into integers in [0, count)."""
    return np.minimum((u * count).astype(np.int64), count - 1)


def _runs(new: NDArray[np.bool_], positions: _Ints) -> tuple[_Ints, _Ints]:
    """Return start and stop of the run that holds each position; ``new`` is True at starts."""
    starts = np.flatnonzero(new)
    run = np.searchsorted(starts, positions, side="right") - 1
    return starts[run], np.append(starts, new.size)[run + 1]
