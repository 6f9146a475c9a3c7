"""make_plan: which crops may pair, how often, and that seed and epoch fix the choice."""

from typing import Literal, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from manifests.schema import SCHEMA, ManifestError
from manifests.table import Manifest, Metadata, ShardInfo
from sampling.plan import PairSettings, Plan, make_plan
from sampling.tracks import TrackTable, track_table


class Made(NamedTuple):
    """One made-up track."""

    source: str
    video: str
    name: str
    frames: tuple[int, ...]
    split: str = "train"
    shard: str = "s-0.tar"


def in_memory(tracks: list[Made], *, seed: int | None = None) -> Manifest:
    """Return a manifest without shards; the rows are shuffled if there is a seed."""
    rows = [
        {
            "source": track.source,
            "video": track.video,
            "track": track.name,
            "frame": frame,
            "split": track.split,
            "shard": track.shard,
        }
        for track in tracks
        for frame in track.frames
    ]
    table = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in rows[0]})
    if seed is not None:
        table = table[np.random.default_rng(seed).permutation(table.height)]
    shards = tuple(
        ShardInfo(name=name, num_bytes=1, num_rows=1, sha256="")
        for name in sorted({track.shard for track in tracks})
    )
    metadata = Metadata(source="made", shards=shards)
    return Manifest(url="made/manifest.parquet", rows=table, metadata=metadata, fingerprint="")


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


MILLION = 1_000_000


def video_tracks(count: int, length: int, *, source: str = "vid") -> list[Made]:
    """Return tracks of ``length`` frames, two to a video."""
    return [
        Made(source, f"v{i // 2}", f"t{i}", tuple(range(0, 3 * length, 3))) for i in range(count)
    ]


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
