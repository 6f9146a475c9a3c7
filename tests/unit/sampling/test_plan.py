"""make_plan: which crops may pair, and that seed and epoch fix the choice."""

from typing import Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from manifests.schema import ManifestError
from manifests.table import Manifest
from sampling.plan import PairSettings, Plan, make_plan
from sampling.track_table import track_table
from tests.support.made_manifests import Made, in_memory, video_tracks


def plan_rows(manifests: list[Manifest], plan: Plan) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = pl.concat([m.rows.cast({"source": pl.String, "video": pl.String}) for m in manifests])
    return rows[plan.template_rows], rows[plan.search_rows]


tracks_strategy = st.lists(
    st.tuples(
        st.sampled_from(["coco", "lasot", "vid"]),
        st.integers(0, 3),
        st.sets(st.integers(0, 60), min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=8,
).map(
    lambda items: [
        Made(source, f"v{video}", f"t{i}", tuple(sorted(frames)))
        for i, (source, video, frames) in enumerate(items)
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    tracks=tracks_strategy,
    max_gap=st.integers(0, 70),
    negative_ratio=st.sampled_from([0.0, 0.4, 1.0]),
    track_weights=st.sampled_from(["uniform", "frames"]),
    seed=st.integers(0, 2**63),
)
def test_every_pair_of_any_manifest_obeys_the_settings(
    tracks: list[Made],
    max_gap: int,
    negative_ratio: float,
    track_weights: Literal["uniform", "frames"],
    seed: int,
) -> None:
    if negative_ratio:
        assume(len({(track.source, track.video) for track in tracks}) > 1)
    manifest = in_memory(tracks, seed=seed % 2**32)
    wanted = PairSettings(
        max_gap=max_gap,
        negative_ratio=negative_ratio,
        pairs_per_epoch=200,
        track_weights=track_weights,
    )
    plan = make_plan(track_table([manifest], split="train"), wanted, seed=seed, epoch=1)
    template, search = plan_rows([manifest], plan)
    frames_of = {(t.source, t.name): t.frames for t in tracks}
    for z, x, positive in zip(
        template.iter_rows(named=True), search.iter_rows(named=True), plan.positive, strict=True
    ):
        if not positive:
            assert (z["source"], z["video"]) != (x["source"], x["video"])
            continue
        assert (z["source"], z["track"]) == (x["source"], x["track"])
        assert abs(z["frame"] - x["frame"]) <= max_gap
        if z["frame"] == x["frame"]:  # allowed only where no two frames of the track may pair
            frames = np.array(frames_of[z["source"], z["track"]])
            assert (np.diff(frames) > max_gap).all()
    assert plan.positive.all() or negative_ratio > 0
    assert not plan.positive.any() or negative_ratio < 1


@settings(max_examples=30, deadline=None)
@given(tracks=tracks_strategy, seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 10))
def test_the_plan_is_a_function_of_tracks_seed_and_epoch(
    tracks: list[Made], seed: int, epoch: int
) -> None:
    wanted = PairSettings(pairs_per_epoch=50)
    # names that this process has seen before must not change the numbers of others
    pl.Series(["t5", "unrelated", "v3"], dtype=pl.Categorical)
    first, second = (
        make_plan(track_table([in_memory(tracks)], split="train"), wanted, seed=seed, epoch=epoch)
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_epoch_or_seed_is_another_plan() -> None:
    table = track_table([in_memory(video_tracks(20, 30))], split="train")
    wanted = PairSettings(pairs_per_epoch=1000)
    plans = [make_plan(table, wanted, seed=s, epoch=e) for s, e in ((0, 0), (0, 1), (1, 0))]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert (plans[i].template_rows == plans[j].template_rows).mean() < 0.05


def test_a_longer_epoch_and_other_negatives_leave_the_templates_tracks_alone() -> None:
    table = track_table([in_memory(video_tracks(20, 30))], split="train")
    few = make_plan(table, PairSettings(pairs_per_epoch=500), seed=0, epoch=0)
    mixed = make_plan(table, PairSettings(pairs_per_epoch=500, negative_ratio=0.5), seed=0, epoch=0)
    np.testing.assert_array_equal(few.template_rows, mixed.template_rows)
    both = mixed.positive
    np.testing.assert_array_equal(few.search_rows[both], mixed.search_rows[both])


def test_only_the_split_is_drawn() -> None:
    tracks = [*video_tracks(4, 5), Made("vid", "held", "held", (1, 2, 3), split="val")]
    manifest = in_memory(tracks, seed=0)
    for split, expected in (("train", {"t0", "t1", "t2", "t3"}), ("val", {"held"})):
        table = track_table([manifest], split=split)
        plan = make_plan(table, PairSettings(pairs_per_epoch=300), seed=0, epoch=0)
        assert set(plan_rows([manifest], plan)[0]["track"]) == expected


def test_tracks_of_two_manifests_are_never_joined_but_their_videos_are() -> None:
    manifests = [in_memory([Made("vid", "v", "t", (1, 2))]) for _ in range(2)]
    table = track_table(manifests, split="train")
    assert table.starts.tolist() == [0, 2, 4]
    assert table.videos.tolist() == [0, 0]
    with pytest.raises(ValueError, match="no other video in reach"):
        make_plan(table, PairSettings(negative_ratio=0.5), seed=0, epoch=0)


def test_a_window_of_shards_is_never_left_and_never_returned_to() -> None:
    tracks = video_tracks(30, 6)
    manifest = in_memory(tracks)
    table = track_table([manifest], split="train")
    windows = np.random.default_rng(0).integers(0, 4, 30)
    wanted = PairSettings(pairs_per_epoch=2000, negative_ratio=0.5)
    plan = make_plan(table, wanted, seed=0, epoch=0, windows=windows)
    template, search = plan_rows([manifest], plan)
    number = {track.name: int(window) for track, window in zip(tracks, windows, strict=True)}
    z, x = (np.array([number[t] for t in rows["track"]]) for rows in (template, search))
    np.testing.assert_array_equal(z, x)
    assert (np.diff(z) >= 0).all()
    assert set(z) == {0, 1, 2, 3}
    negatives = template["video"].to_numpy()[~plan.positive]
    assert (negatives != search["video"].to_numpy()[~plan.positive]).all()


def test_a_frame_twice_in_a_track_is_rejected() -> None:
    with pytest.raises(ManifestError, match="track 't' has frame 2 twice"):
        track_table([in_memory([Made("vid", "v", "t", (1, 2, 2))])], split="train")


def test_a_split_without_rows_is_rejected() -> None:
    with pytest.raises(ManifestError, match="no row with split 'val'"):
        track_table([in_memory(video_tracks(2, 2))], split="val")


def test_weights_of_unknown_sources_are_rejected() -> None:
    table = track_table([in_memory(video_tracks(2, 2))], split="train")
    with pytest.raises(ValueError, match=r"no source 'lasto' .* expected one of \['vid'\]"):
        make_plan(table, PairSettings(weights={"lasto": 2.0}), seed=0, epoch=0)
    with pytest.raises(ValueError, match="every source weighs 0"):
        make_plan(table, PairSettings(weights={"vid": 0.0}), seed=0, epoch=0)


@pytest.mark.parametrize(
    ("option", "value"), [("max_gap", -1), ("negative_ratio", 1.5), ("pairs_per_epoch", 0)]
)
def test_settings_that_describe_no_epoch_are_rejected(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} must be"):
        PairSettings(**{option: value})  # type: ignore[arg-type]
