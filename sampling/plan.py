"""The plan of an epoch: which crops pair, drawn in one go.

A plan is a pure function of the manifests' rows, the settings, the seed and the epoch. Processes
and workers only share it out, so the sequence of pairs is the same for any number of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sampling.rng import plan_rng
from sampling.tracks import TrackTable

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PairSettings:
    """What pairs an epoch is made of."""

    max_gap: int = 100
    """Largest distance of the two crops of a positive pair, in frame numbers."""
    negative_ratio: float = 0.0
    """Share of pairs whose search crop is of another video than the template."""
    pairs_per_epoch: int = 53_200
    """Number of pairs in an epoch."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Share of each source in the pairs, relative to the others; a source not named weighs 1."""
    track_weights: Literal["uniform", "frames"] = "uniform"
    """How often a source's tracks are drawn: all alike, or by their number of crops."""

    def __post_init__(self) -> None:
        """Reject values that describe no epoch."""
        if self.max_gap < 0:
            raise ValueError(f"max_gap must be at least 0 frames, got {self.max_gap}")
        if not 0 <= self.negative_ratio <= 1:
            raise ValueError(f"negative_ratio must be from 0 to 1, got {self.negative_ratio}")
        if self.pairs_per_epoch < 1:
            raise ValueError(f"pairs_per_epoch must be at least 1, got {self.pairs_per_epoch}")
        for source, weight in self.weights.items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"weights: {source} must weigh 0 or more, got {weight}")


class Plan(NamedTuple):
    """P pairs in the order in which they are used."""

    template_rows: _Ints
    """(P,) row of the template crop, counted through all manifests."""
    search_rows: _Ints
    """(P,) row of the search crop."""
    positive: NDArray[np.bool_]
    """(P,) False where the search crop shows another video than the template."""


def make_plan(
    tracks: TrackTable,
    settings: PairSettings,
    *,
    seed: int,
    epoch: int,
    windows: _Ints | None = None,
) -> Plan:
    """Draw the pairs of an epoch.

    A pair's template comes from a source drawn by weight, a track of that source, and a crop of
    that track that has a partner within the gap. The search crop of a positive pair is uniform
    over those partners; only a track without any partners pairs crops with themselves. The search
    crop of a negative pair is drawn like a template, among the videos that are not the template's.

    Args:
        tracks: All crops that may be drawn.
        settings: What to draw.
        seed: Seed of the run.
        epoch: Number of the epoch.
        windows: (T,) window of each track, for shards that are fetched in turns: pairs are ordered
            by window and never join two of them. None is a single window, a full shuffle.

    Raises:
        ValueError: The weights name an unknown source or leave none, or a negative pair is
            asked for where there is only one video.
    """
    size = settings.pairs_per_epoch
    # one column of draws per choice, so that no choice shifts the draws of another
    window_u, template_u, search_u, partner_u, negative_u = plan_rng(seed, epoch).random((5, size))
    draw = _TrackDraw(tracks, settings, windows)
    chosen = draw.any_track(window_u)  # (P,) positions in the order of the draw
    templates = _draw_templates(tracks, draw.order[chosen], template_u, settings.max_gap)
    searches = _draw_partners(tracks, draw.order[chosen], templates, partner_u, settings.max_gap)
    positive = negative_u >= settings.negative_ratio
    negative = np.flatnonzero(~positive)
    if negative.size:
        others = draw.order[draw.other_video(chosen[negative], partner_u[negative])]
        count = tracks.starts[others + 1] - tracks.starts[others]
        searches[negative] = tracks.starts[others] + _pick(search_u[negative], count)
    if windows is not None:
        by_window = np.argsort(draw.windows[chosen], kind="stable")
        templates, searches, positive = (a[by_window] for a in (templates, searches, positive))
    template_rows = tracks.rows[templates].astype(np.int64)
    return Plan(template_rows, tracks.rows[searches].astype(np.int64), positive)


class _TrackDraw:
    """Draws tracks by weight: the tracks side by side on a line, as long as they weigh."""

    def __init__(self, tracks: TrackTable, settings: PairSettings, windows: _Ints | None) -> None:
        weight = _track_probability(tracks, settings)
        order = np.flatnonzero(weight)  # already ordered by video
        of_window = np.zeros_like(weight, np.int64) if windows is None else windows
        self.order = order[np.argsort(of_window[order], kind="stable")]
        """(K,) tracks with any weight, ordered by window, then video."""
        self.windows = of_window[self.order]
        self._videos = tracks.videos[self.order]
        self._edges = np.concatenate([[0.0], np.cumsum(weight[self.order])])

    def any_track(self, u: _Floats) -> _Ints:
        """Return a position in ``order`` for each number in [0, 1)."""
        return self._at(u * self._edges[-1], 0, self.order.size)

    def other_video(self, chosen: _Ints, u: _Floats) -> _Ints:
        """Return positions of the same window, but of another video than ``chosen``."""
        new_window = np.diff(self.windows, prepend=-1) != 0
        new_video = new_window | (np.diff(self._videos, prepend=-1) != 0)
        window_start, window_stop = _runs(new_window, chosen)
        video_start, video_stop = _runs(new_video, chosen)
        if (alone := window_stop - window_start == video_stop - video_start).any():
            raise ValueError(
                f"negative_ratio asks for a search crop of another video, but {alone.sum()} "
                "templates have no other video in reach. Add data, set negative_ratio to 0, or "
                "enlarge the shard cache"
            )
        edges = self._edges
        own = edges[video_stop] - edges[video_start]
        point = edges[window_start] + u * (edges[window_stop] - edges[window_start] - own)
        point += np.where(point >= edges[video_start], own, 0.0)  # step over the own video
        found = self._at(point, window_start, window_stop)
        # rounding may end within the own video: take the nearest outside
        inside = (found >= video_start) & (found < video_stop)
        outside = np.where(video_stop < window_stop, video_stop, video_start - 1)
        return np.where(inside, outside, found)

    def _at(self, point: _Floats, first: _Ints | int, stop: _Ints | int) -> _Ints:
        found = np.searchsorted(self._edges, point, side="right") - 1
        return np.clip(found, first, np.asarray(stop) - 1)


def _track_probability(tracks: TrackTable, settings: PairSettings) -> _Floats:
    """Return (T,) how often each track is drawn; the sum is 1."""
    unknown = sorted(set(settings.weights) - set(tracks.source_names))
    if unknown:
        raise ValueError(
            f"weights: no source {unknown[0]!r} in the manifests, expected one of "
            f"{list(tracks.source_names)}"
        )
    shares = np.array([settings.weights.get(name, 1.0) for name in tracks.source_names])
    if not shares.sum() > 0:
        raise ValueError("weights: every source weighs 0. Give at least one a positive weight")
    by_crops = settings.track_weights == "frames"
    weight = np.diff(tracks.starts).astype(float) if by_crops else np.ones(tracks.sources.size)
    total = np.bincount(tracks.sources, weight, minlength=shares.size)
    probability: _Floats = weight * (shares / shares.sum() / total)[tracks.sources]
    return probability


def _draw_templates(tracks: TrackTable, chosen: _Ints, u: _Floats, max_gap: int) -> _Ints:
    """Return (P,) positions of template crops: of the track's crops that have a partner, if any."""
    near = np.diff(tracks.frames) <= max_gap
    near[tracks.starts[1:-1] - 1] = False  # the next crop is of another track
    paired = np.zeros(tracks.frames.size, bool)
    paired[:-1] |= near
    paired[1:] |= near
    before = np.concatenate([[0], np.cumsum(paired)])  # (N + 1,) paired crops before each
    num_paired = np.diff(before[tracks.starts])  # (T,)
    lonely = num_paired == 0
    start, stop = tracks.starts[chosen], tracks.starts[chosen + 1]
    alone = start + _pick(u, stop - start)
    if lonely.all():
        return alone
    paired_positions = np.flatnonzero(paired)
    index = before[start] + _pick(u, np.maximum(num_paired[chosen], 1))
    among = paired_positions[np.minimum(index, paired_positions.size - 1)]
    return np.where(lonely[chosen], alone, among)


def _draw_partners(
    tracks: TrackTable, chosen: _Ints, templates: _Ints, u: _Floats, max_gap: int
) -> _Ints:
    """Return (P,) positions of search crops within the gap, the template's own if it is alone."""
    start, stop = tracks.starts[chosen], tracks.starts[chosen + 1]
    frame = tracks.frames[templates].astype(np.int64)
    first = _first_at_least(tracks.frames, start, templates, frame - max_gap)
    last = _first_at_least(tracks.frames, templates, stop, frame + max_gap + 1)
    found = first + _pick(u, np.maximum(last - first - 1, 1))
    found += (found >= templates) & (last - first > 1)  # step over the template itself
    return found


def _first_at_least(frames: NDArray[np.int32], start: _Ints, stop: _Ints, least: _Ints) -> _Ints:
    """Return the first position in [start, stop) whose frame is ``least`` or later, else stop."""
    low, high = start.copy(), stop.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        early = open_ & (frames[np.minimum(middle, frames.size - 1)] < least)
        low = np.where(early, middle + 1, low)
        high = np.where(open_ & ~early, middle, high)
    return low


def _runs(new: NDArray[np.bool_], positions: _Ints) -> tuple[_Ints, _Ints]:
    """Return start and stop of the run that holds each position; ``new`` is True at starts."""
    starts = np.flatnonzero(new)
    run = np.searchsorted(starts, positions, side="right") - 1
    return starts[run], np.append(starts, new.size)[run + 1]


def _pick(u: _Floats, count: _Ints) -> _Ints:
    """Turn numbers in [0, 1) into integers in [0, count)."""
    return np.minimum((u * count).astype(np.int64), count - 1)
