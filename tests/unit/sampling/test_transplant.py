"""A target before another background: the pixels, the box, the plan and the ways to fetch it."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.table import Manifest
from sampling.augment import AugmentSettings, draw_changes
from sampling.batch import PairBatch, empty_arrays
from sampling.loader import PairLoader
from sampling.pixels.transplant import put_before
from sampling.plan import PairSettings, make_plan
from sampling.rng import pair_numbers
from sampling.track_table import track_table
from tests.support.crops import made_crop
from tests.support.loaders import assert_equal, small_manifest
from tests.support.made_manifests import Made, in_memory
from tests.support.pairs import augment_pair

ALL = AugmentSettings(color=0.2, blur=0.3, search_aspect=0.1, transplant=0.5)


def distance(box_xyxy: np.ndarray | tuple[float, ...], size: int = 255) -> np.ndarray:
    """Return how far each pixel is from the box's centre: 1 on the superellipse in the box."""
    left, top, right, bottom = box_xyxy
    y, x = np.mgrid[0:size, 0:size] + 0.5
    u, v = (
        (x - (left + right) / 2) * 2 / (right - left),
        (y - (top + bottom) / 2) * 2 / (bottom - top),
    )
    return np.asarray((u**4 + v**4) ** 0.25)


def warped(image: np.ndarray, window: tuple[int, int, int, int], *, flip: bool) -> np.ndarray:
    """Return a window as one affine warp, which has nothing in common with the loader's way."""
    left, top, width, height = window
    zoom_x, zoom_y = 255 / width, 255 / height
    matrix = np.array([[zoom_x, 0, -left * zoom_x], [0, zoom_y, -top * zoom_y]])
    if flip:
        matrix[0] = [-zoom_x, 0, 255 + left * zoom_x]
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # pixel centres
    border = cv2.BORDER_REFLECT_101
    image = cv2.warpAffine(image, matrix, (255, 255), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(image)


@settings(max_examples=40, deadline=None)
@given(
    center=st.tuples(st.floats(-40, 300), st.floats(-40, 300)),
    side=st.tuples(st.floats(1, 300), st.floats(1, 300)),
)
def test_pixels_are_the_targets_inside_the_mask_and_the_backgrounds_outside(
    center: tuple[float, float], side: tuple[float, float]
) -> None:
    rng = np.random.default_rng(0)
    target, background = (rng.integers(256, size=(255, 255, 3), dtype=np.uint8) for _ in range(2))
    box = tuple(center[i % 2] + (i // 2 - 0.5) * side[i % 2] for i in range(4))
    found = background.copy()
    put_before(target, found, (box[0], box[1], box[2], box[3]))
    away = distance(box)
    np.testing.assert_array_equal(found[away < 0.8799], target[away < 0.8799])
    np.testing.assert_array_equal(found[away > 1.1201], background[away > 1.1201])
    low, high = np.minimum(target, background), np.maximum(target, background)
    assert ((found >= low) & (found <= high)).all()


@pytest.mark.parametrize("pair", range(6))
def test_the_target_is_moved_with_its_box_before_one_resample_of_the_background(pair: int) -> None:
    rng = np.random.default_rng(pair)
    template, search, other = (made_crop(size, (70, 50), rng) for size in (191, 319, 319))
    augment = AugmentSettings(gray=0, search_translate_px=60, search_aspect=0.3, transplant=1)
    numbers = pair_numbers(3, 1, np.array([pair]))
    z, x, box = augment_pair(template, search, (70, 50), augment, numbers, background=other)
    z_plain, x_plain, box_plain = augment_pair(template, search, (70, 50), augment, numbers)
    np.testing.assert_array_equal(z, z_plain)
    np.testing.assert_array_equal(box, box_plain)
    (change,) = draw_changes(
        augment,
        numbers,
        template_px=np.array([191]),
        search_px=np.array([319]),
        background_px=np.array([319]),
    )
    _, _, width, height = change.search
    assert (box[2] - box[0], box[3] - box[1]) == pytest.approx(
        (70 * 255 / width, 50 * 255 / height)
    )
    assert change.background is not None
    away = distance(box)
    np.testing.assert_array_equal(x[away < 0.879], x_plain[away < 0.879])
    for found, image, window, flip, where in (
        (x, search, change.search, change.flip, away < 0.879),
        (x, other, change.background.window, change.background.flip, away > 1.121),
    ):
        difference = np.abs(found.astype(int) - warped(image, window, flip=flip))[where]
        assert np.quantile(difference, 0.999) <= 6  # warpAffine rounds places to 1/32 px
        assert difference.mean() < 1


def in_groups() -> list[Made]:
    """Return tracks of four groups with two videos each; one more video stands alone."""
    tracks = [
        Made("vid", f"v{i // 2}", f"t{i}", tuple(range(0, 20, 1 + i % 3)), group=f"g{i // 4}")
        for i in range(16)
    ]
    return [*tracks, Made("coco", "v0", "t0", (0,))]


@pytest.mark.parametrize("windows", [None, np.arange(17) // 8 % 2])
def test_backgrounds_are_of_other_groups_and_change_nothing_else(
    windows: np.ndarray | None,
) -> None:
    manifest = in_memory(in_groups(), seed=1)
    table = track_table([manifest], split="train")
    pairs = PairSettings(pairs_per_epoch=30_000, negative_ratio=0.25, max_gap=5)
    plan = make_plan(table, pairs, seed=2, epoch=1, transplant=0.4, windows=windows)
    plain = make_plan(table, pairs, seed=2, epoch=1, windows=windows)
    for name in ("template_rows", "search_rows", "positive"):
        np.testing.assert_array_equal(getattr(plan, name), getattr(plain, name))
    assert (plain.background_rows == -1).all()
    moved = plan.background_rows >= 0
    assert plan.positive[moved].all()
    assert moved.sum() / plan.positive.sum() == pytest.approx(0.4, abs=0.03)
    rows = manifest.rows.with_row_index()
    own, other = rows[plan.search_rows[moved]], rows[plan.background_rows[moved]]
    same_source = (own["source"] == other["source"]).to_numpy()
    for name in ("group", "video"):
        assert not (same_source & (own[name] == other[name]).to_numpy()).any()
    drawn = set(other["index"].to_list())
    assert drawn == set(range(rows.height))  # every crop can be a background
    if windows is not None:
        track_of = np.repeat(np.arange(17), np.diff(table.starts))
        window_of = np.empty(rows.height, np.int64)
        window_of[table.rows] = windows[track_of]
        used = window_of[plan.background_rows[moved]]
        np.testing.assert_array_equal(window_of[plan.template_rows[moved]], used)


def test_pairs_without_another_group_in_reach_keep_their_background() -> None:
    tracks = [Made("vid", f"v{i}", f"t{i}", (1, 2), group=f"g{i // 3}") for i in range(5)]
    table = track_table([in_memory(tracks)], split="train")
    pairs = PairSettings(pairs_per_epoch=50)
    windows = np.array([0, 0, 1, 1, 1])  # only the second has two groups
    plan = make_plan(table, pairs, seed=0, epoch=0, transplant=1.0, windows=windows)
    first_window = np.isin(plan.template_rows, table.rows[:4])
    np.testing.assert_array_equal(plan.background_rows < 0, first_window)
    assert 0 < first_window.sum() < 50


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return small_manifest(tmp_path_factory.mktemp("crops"))


def loader(manifest: Manifest, augment: AugmentSettings, *, num_workers: int = 0) -> PairLoader:
    return PairLoader(
        [manifest],
        pairs=PairSettings(pairs_per_epoch=24, negative_ratio=0.2, max_gap=3),
        augment=augment,
        batch_size=8,
        seed=7,
        num_workers=num_workers,
    )


def test_moved_pairs_are_the_same_for_any_worker_and_alone(manifest: Manifest) -> None:
    here = loader(manifest, ALL)
    expected = list(here)
    with loader(manifest, ALL, num_workers=2) as own:
        for found, batch in zip(list(own), expected, strict=True):
            assert_equal(found, batch)
    plan = here.dataset.plan
    moved = np.flatnonzero(plan.background_rows >= 0)
    assert 4 < moved.size < 20
    for pair in (int(moved[0]), int(moved[-1])):
        alone, batch = here.dataset[pair], expected[pair // 8]
        assert torch.equal(alone["search"], batch.search[pair % 8])
        assert torch.equal(alone["boxes_xyxy"], batch.boxes_xyxy[pair % 8])
        assert " before " in batch.keys()[pair % 8]
    plain = list(loader(manifest, AugmentSettings()))
    only = list(loader(manifest, AugmentSettings(transplant=0.5)))
    for pair in range(24):
        (one, other), place = (batches[pair // 8] for batches in (plain, only)), pair % 8
        assert torch.equal(one.template[place], other.template[place])
        assert torch.equal(one.boxes_xyxy[place], other.boxes_xyxy[place])
        assert torch.equal(one.search[place], other.search[place]) == (pair not in moved)


def test_a_stream_moves_targets_too(manifest: Manifest) -> None:
    pairs = PairSettings(pairs_per_epoch=24, max_gap=3)
    stream = PairLoader([manifest], pairs=pairs, augment=ALL, batch_size=8, seed=7, access="stream")
    names = [name for batch in stream for name in PairBatch.keys(batch)]
    assert len(names) == 24
    assert 4 < sum(" before " in name for name in names) < 20


def test_a_background_that_cannot_be_read_is_named(manifest: Manifest) -> None:
    dataset = loader(manifest, ALL).dataset
    pair = int(np.flatnonzero(dataset.plan.background_rows >= 0)[0])
    record = dataset.records[[pair]].copy()
    record["background"]["crc32"] += 1
    (failure,) = dataset.make(record, out=empty_arrays(1))
    assert failure.role == "background"
    background = dataset.name_pair(pair).split(" before ")[1]
    assert str(dataset.bad_sample(pair, failure)).startswith(f"{background}.x.jpg: ")
