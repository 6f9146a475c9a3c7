"""make_plan: how often crops, tracks, sources and partners are drawn, over a million pairs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from manifests.table import Manifest
from sampling.plan import PairSettings, make_plan
from sampling.track_table import TrackTable, track_table
from tests.support.made_manifests import Made, in_memory, video_tracks

MILLION = 1_000_000


def assert_drawn_as(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
    """Chi-square test at one in 30,000, by Wilson and Hilferty's normal approximation."""
    assert counts[expected == 0].sum() == 0
    counts, expected = counts[expected > 0], expected[expected > 0]
    expected = expected / expected.sum() * counts.sum()
    freedom = counts.size - 1
    chi_square = ((counts - expected) ** 2 / expected).sum()
    center, spread = 1 - 2 / (9 * freedom), np.sqrt(2 / (9 * freedom))
    deviation = ((chi_square / freedom) ** (1 / 3) - center) / spread
    assert abs(deviation) < 4, f"chi-square {chi_square:.0f} at {freedom} degrees of freedom"


@pytest.fixture(scope="module")
def mixed() -> tuple[Manifest, TrackTable]:
    """Three sources whose tracks differ in number and length; coco's have one frame each."""
    lasot = [
        Made("lasot", f"v{i}", f"l{i}", tuple(range(0, 10 + 5 * i, 1 + i % 3))) for i in range(20)
    ]
    coco = [Made("coco", f"v{i // 3}", f"c{i}", (1,)) for i in range(60)]
    manifest = in_memory([*lasot, *coco, *video_tracks(30, 9)], seed=5)
    return manifest, track_table([manifest], split="train")


def counts_of(values: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.bincount(values, minlength=size)


def test_a_million_pairs_follow_the_weights_of_sources_and_tracks(
    mixed: tuple[Manifest, TrackTable],
) -> None:
    manifest, table = mixed
    weights = {"coco": 1.0, "lasot": 2.0, "vid": 0.5}
    wanted = PairSettings(pairs_per_epoch=MILLION, max_gap=6, weights=weights)
    plan = make_plan(table, wanted, seed=11, epoch=2)
    track_of_row = np.zeros(manifest.rows.height, np.int64)
    track_of_row[table.rows] = np.repeat(np.arange(table.sources.size), np.diff(table.starts))
    drawn = track_of_row[plan.template_rows]
    share = np.array([1.0, 2.0, 0.5]) / np.array([60, 20, 30])  # alphabetical
    assert table.source_names == ("coco", "lasot", "vid")
    assert_drawn_as(counts_of(drawn, table.sources.size), share[table.sources])


def test_a_million_pairs_draw_long_tracks_more_often_if_weighed_by_frames(
    mixed: tuple[Manifest, TrackTable],
) -> None:
    manifest, table = mixed
    weights = {"coco": 0.0, "vid": 0.0}
    wanted = PairSettings(
        pairs_per_epoch=MILLION, max_gap=1000, weights=weights, track_weights="frames"
    )
    plan = make_plan(table, wanted, seed=12, epoch=0)
    in_lasot = np.repeat(table.sources, np.diff(table.starts)) == 1
    expected = np.zeros(manifest.rows.height)
    expected[table.rows[in_lasot]] = 1.0  # every crop alike
    assert_drawn_as(counts_of(plan.template_rows, expected.size), expected)


def test_a_million_pairs_draw_every_partner_alike() -> None:
    frames = (0, 1, 2, 5, 9, 10, 30, 33, 100)  # 100 has no partner within the gap
    manifest = in_memory([Made("vid", "v", "t", frames)])
    table = track_table([manifest], split="train")
    wanted = PairSettings(pairs_per_epoch=MILLION, max_gap=4)
    plan = make_plan(table, wanted, seed=13, epoch=0)
    size = len(frames)
    distance = np.abs(np.subtract.outer(frames, frames))
    allowed = (distance <= 4) & (distance > 0)
    partners = allowed.sum(axis=1, keepdims=True)
    expected = np.where(allowed, 1 / np.maximum(partners, 1), 0.0)
    joint = counts_of(plan.template_rows * size + plan.search_rows, size * size)
    assert_drawn_as(joint, expected.ravel())


def test_a_million_pairs_draw_negatives_as_templates_outside_the_video(
    mixed: tuple[Manifest, TrackTable],
) -> None:
    _, table = mixed
    wanted = PairSettings(pairs_per_epoch=MILLION, negative_ratio=0.3)
    plan = make_plan(table, wanted, seed=14, epoch=0)
    assert_drawn_as(np.bincount(plan.positive.astype(np.int64)), np.array([0.3, 0.7]))
    tracks = np.zeros(table.rows.max() + 1, np.int64)
    tracks[table.rows] = np.repeat(np.arange(table.sources.size), np.diff(table.starts))
    z, x = tracks[plan.template_rows], tracks[plan.search_rows]
    weight = (1 / np.bincount(table.sources))[table.sources]
    for video in (0, 5, table.videos.max()):
        chosen = ~plan.positive & (table.videos[z] == video)
        expected = np.where(table.videos == video, 0.0, weight)
        assert_drawn_as(counts_of(x[chosen], expected.size), expected)
    longest = int(np.argmax(np.diff(table.starts)))
    rows = table.rows[table.starts[longest] : table.starts[longest + 1]]
    searches = plan.search_rows[~plan.positive & (x == longest)]
    expected = np.zeros(table.rows.size)
    expected[rows] = 1.0
    assert_drawn_as(counts_of(searches, expected.size), expected)
