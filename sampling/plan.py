"""The plan of an epoch: the crops of all its pairs, drawn at once.

A plan is a pure function of the manifests' rows, the settings, the seed and the epoch. Processes
and workers only share it out, so the sequence of pairs is the same for any number of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sampling.rng import plan_rng
from sampling.track_draw import TrackDraw, any_crop, pick
from sampling.track_table import TrackTable

_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PairSettings:
    """The pairs of an epoch."""

    max_gap: int = 100
    """Largest distance of the two crops of a positive pair, in frame numbers."""
    negative_ratio: float = 0.0
    """Share of pairs whose search crop is of another video than the template."""
    pairs_per_epoch: int = 53_200
    """Number of pairs in an epoch."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Share of each source in the pairs, relative to the others; a source not named weighs 1."""
    track_weights: Literal["uniform", "frames"] = "uniform"
    """Probability of a source's tracks: equal, or by their number of crops."""

    def __post_init__(self) -> None:
        """Check that an epoch can have these pairs."""
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
    background_rows: _Ints
    """(P,) row of the search crop, of another group, to move the target before; -1 for none."""

    def rows_of(self, role: str) -> _Ints:
        """Return the rows of the pairs' ``"template"``, ``"search"`` or ``"background"``."""
        rows: _Ints = getattr(self, f"{role}_rows")
        return rows


def make_plan(
    tracks: TrackTable,
    settings: PairSettings,
    *,
    seed: int,
    epoch: int,
    transplant: float = 0.0,
    windows: _Ints | None = None,
) -> Plan:
    """Draw the pairs of an epoch.

    A pair's template comes from a source drawn by weight, a track of that source, and a crop of
    that track that has a partner within the gap. The search crop of a positive pair is uniform
    over those partners; only a track without any partners pairs crops with themselves. The search
    crop of a negative pair is drawn like a template, among the videos that are not the template's.
    The background of a positive pair is any crop of a track drawn by weight among other groups; a
    pair without another group in reach keeps its own.

    Args:
        tracks: All crops that may be drawn.
        settings: Settings of the pairs.
        seed: Seed of the run.
        epoch: Number of the epoch.
        transplant: Share of the positive pairs that get a background.
        windows: (T,) window of each track, for shards that are fetched in turns: pairs are ordered
            by window and never join two of them. None is a single window, a full shuffle.

    Raises:
        ValueError: The weights name an unknown source or leave none, or a negative pair is asked
            for where there is only one video.
    """
    size = settings.pairs_per_epoch
    # one column of draws per choice, so that no choice shifts the draws of another
    rng = plan_rng(seed, epoch)
    window_u, template_u, search_u, partner_u, negative_u = rng.random((5, size))
    weight = _track_probability(tracks, settings)
    draw = TrackDraw(weight, tracks.videos, windows)
    chosen = draw.any_track(window_u)  # (P,) positions in the order of the draw
    templates = _draw_templates(tracks, draw.order[chosen], template_u, settings.max_gap)
    searches = _draw_partners(tracks, draw.order[chosen], templates, partner_u, settings.max_gap)
    positive = negative_u >= settings.negative_ratio
    negative = np.flatnonzero(~positive)
    _require_other_videos(draw, chosen[negative])
    others = draw.other_unit(chosen[negative], partner_u[negative])
    searches[negative] = any_crop(tracks, others, search_u[negative])
    plan = Plan(
        tracks.rows[templates].astype(np.int64),
        tracks.rows[searches].astype(np.int64),
        positive,
        np.full(size, -1),
    )
    if transplant:
        moved_u, *u = rng.random((3, size))
        moved = positive & (moved_u < transplant)
        by_group = TrackDraw(weight, tracks.groups, windows)
        _draw_backgrounds(plan, tracks, by_group, draw.order[chosen], np.flatnonzero(moved), u)
    if windows is not None:
        by_window = np.argsort(draw.windows[chosen], kind="stable")
        plan = Plan._make(column[by_window] for column in plan)
    return plan


def _require_other_videos(draw: TrackDraw, chosen: _Ints) -> None:
    num_alone = int((~draw.has_other_unit(chosen)).sum())
    if num_alone:
        raise ValueError(
            f"negative_ratio asks for a search crop of another video, but {num_alone} templates "
            "have no other video in reach. Add data, set negative_ratio to 0, or enlarge the shard "
            "cache"
        )


def _track_probability(tracks: TrackTable, settings: PairSettings) -> _Floats:
    """Return (T,) the probability of each track."""
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
    alone = start + pick(u, stop - start)
    if lonely.all():
        return alone
    paired_positions = np.flatnonzero(paired)
    index = before[start] + pick(u, np.maximum(num_paired[chosen], 1))
    among = paired_positions[np.minimum(index, paired_positions.size - 1)]
    return np.where(lonely[chosen], alone, among)


def _draw_backgrounds(
    plan: Plan,
    tracks: TrackTable,
    by_group: TrackDraw,
    chosen: _Ints,
    moved: _Ints,
    u: Sequence[_Floats],
) -> None:
    """Give backgrounds to the ``moved`` pairs, unless no other group is in reach.

    Args:
        plan: The pairs.
        tracks: All crops that may be drawn.
        by_group: Draws tracks of another group.
        chosen: (P,) tracks of the templates.
        moved: Pairs that get a background.
        u: Two (P,) numbers in [0, 1), for the track and for its crop.
    """
    own = by_group.position(chosen[moved])
    in_reach = by_group.has_other_unit(own)
    own, moved = own[in_reach], moved[in_reach]
    others = by_group.other_unit(own, u[0][moved])
    plan.background_rows[moved] = tracks.rows[any_crop(tracks, others, u[1][moved])]


def _draw_partners(
    tracks: TrackTable, chosen: _Ints, templates: _Ints, u: _Floats, max_gap: int
) -> _Ints:
    """Return (P,) positions of search crops within the gap, the template's own if it is alone."""
    start, stop = tracks.starts[chosen], tracks.starts[chosen + 1]
    frame = tracks.frames[templates].astype(np.int64)
    first = _first_at_least(tracks.frames, start, templates, frame - max_gap)
    last = _first_at_least(tracks.frames, templates, stop, frame + max_gap + 1)
    partners = first + pick(u, np.maximum(last - first - 1, 1))
    partners += (partners >= templates) & (last - first > 1)  # step over the template itself
    return partners


def _first_at_least(frames: NDArray[np.int32], start: _Ints, stop: _Ints, least: _Ints) -> _Ints:
    """Return the first position in [start, stop) whose frame is ``least`` or later, else stop."""
    low, high = start.copy(), stop.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        early = open_ & (frames[np.minimum(middle, frames.size - 1)] < least)
        low = np.where(early, middle + 1, low)
        high = np.where(open_ & ~early, middle, high)
    return low
