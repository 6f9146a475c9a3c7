"""Drawing tracks by weight, and crops of a track, from numbers in [0, 1)."""

import numpy as np
from numpy.typing import NDArray

from sampling.track_table import TrackTable

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


class TrackDraw:
    """Draws tracks by weight: the tracks side by side on a line, as long as they weigh.

    Args:
        weight: (T,) weight of each track.
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
        """Return the positions in ``order`` of tracks with any weight."""
        positions = np.empty(self.order.max() + 1, np.int64)
        positions[self.order] = np.arange(self.order.size)
        own: _Ints = positions[tracks]
        return own

    def has_other_unit(self, chosen: _Ints) -> NDArray[np.bool_]:
        """Return True for positions in ``order`` that share their window with another unit."""
        (window_start, window_stop), (start, stop) = self._runs_of(chosen)
        different: NDArray[np.bool_] = window_stop - window_start != stop - start
        return different

    def other_unit(self, chosen: _Ints, u: _Floats) -> _Ints:
        """Return tracks of the same window, but of another unit than the ``chosen`` positions.

        All of these must have another unit in their window.
        """
        (window_start, window_stop), (start, stop) = self._runs_of(chosen)
        edges = self._edges
        own = edges[stop] - edges[start]
        point = edges[window_start] + u * (edges[window_stop] - edges[window_start] - own)
        point += np.where(point >= edges[start], own, 0.0)  # step over the own unit
        drawn = self._at(point, window_start, window_stop)
        # rounding may end within the own unit: take the nearest outside
        inside = (drawn >= start) & (drawn < stop)
        outside = np.where(stop < window_stop, stop, start - 1)
        tracks: _Ints = self.order[np.where(inside, outside, drawn)]
        return tracks

    def _runs_of(self, chosen: _Ints) -> tuple[tuple[_Ints, _Ints], tuple[_Ints, _Ints]]:
        """Return start and stop of the window of each position, and of its unit in there."""
        new_window = np.diff(self.windows, prepend=-1) != 0
        new_unit = new_window | (np.diff(self._units, prepend=-1) != 0)
        return _runs(new_window, chosen), _runs(new_unit, chosen)

    def _at(self, point: _Floats, first: _Ints | int, stop: _Ints | int) -> _Ints:
        positions = np.searchsorted(self._edges, point, side="right") - 1
        return np.clip(positions, first, np.asarray(stop) - 1)


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
