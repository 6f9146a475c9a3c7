"""Augmentation: the box follows the pixels, off is the stored crop, a pair is the same anywhere."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.crops import crop_square
from datasets.images import decode_image, encode_jpeg
from sampling.augment import AugmentSettings, draw_changes
from sampling.batch import empty_arrays
from sampling.make_pairs import BatchArrays, PairMaker
from sampling.pair_index import PAIR
from sampling.pixels.cut import Window, cut_window
from sampling.rng import pair_numbers
from tests.support.crops import made_crop
from tests.support.pairs import augment_pair

OFF = AugmentSettings(enabled=False)
STILL = AugmentSettings(
    gray=0,
    flip=0,
    search_translate_px=0,
    search_scale=0,
    template_translate_px=0,
    template_scale=0,
)


def numbers_of(seed: int, epoch: int, pair: int) -> np.ndarray:
    return pair_numbers(seed, epoch, np.array([pair]))


def bright_target(size: int, target: tuple[float, float]) -> np.ndarray:
    """Return a dark crop with a bright rectangle of whole pixels in its middle."""
    crop = np.full((size, size, 3), 20, np.uint8)
    left, top = round((size - target[0]) / 2), round((size - target[1]) / 2)
    crop[top : size - top, left : size - left] = (230, 200, 250)
    return crop


def bright_box(image: np.ndarray) -> np.ndarray:
    """Return the edges of the bright part to a fraction of a pixel, by its share of each edge."""
    share = np.clip((image[..., 0].astype(float) - 20) / (image[..., 0].max() - 20.0), 0, 1)
    sides = []
    for axis in (0, 1):
        profile = share.max(axis=axis)
        inside = np.flatnonzero(profile > 0.5)
        first, last = inside[0], inside[-1]
        before = profile[first - 1] if first else 0.0
        after = profile[last + 1] if last + 1 < profile.size else 0.0
        sides.append((first + 1 - profile[first] - before, last + profile[last] + after))
    (left, right), (top, bottom) = sides
    return np.array([left, top, right, bottom])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    half=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    margin=st.sampled_from([0, 8, 32]),
)
def test_the_box_follows_the_pixels(seed: int, half: tuple[int, int], margin: int) -> None:
    target = (2.0 * half[0] + 1, 2.0 * half[1] + 1)  # crops have an odd number of pixels
    template = bright_target(127 + 2 * margin, target)
    search = bright_target(255 + 2 * margin, target)
    found_template, found, box = augment_pair(
        template, search, target, AugmentSettings(), numbers_of(seed, 0, 0)
    )
    assert found_template.shape == (127, 127, 3)
    assert found.shape == (255, 255, 3)
    np.testing.assert_allclose(bright_box(found), box, atol=0.6)
    # the same size relative to the crop: the scale is that of the box
    assert 0.8 * target[0] <= box[2] - box[0] <= 1.25 * target[0]


def test_shifts_and_scales_fill_the_range_that_is_asked_for() -> None:
    search = bright_target(319, (41.0, 41.0))
    boxes = np.array(
        [
            augment_pair(search[96:-96, 96:-96], search, (41, 41), AugmentSettings(), own)[2]
            for own in (numbers_of(0, 0, pair) for pair in range(600))
        ]
    )
    shift = (boxes[:, :2] + boxes[:, 2:]) / 2 - 127.5
    assert 31 < np.abs(shift).max() <= 33
    assert abs(shift.mean()) < 1
    zoom = (boxes[:, 2] - boxes[:, 0]) / 41
    assert 0.81 <= zoom.min() < 0.83
    assert 1.16 < zoom.max() <= 1.19


@pytest.mark.parametrize("margin", [0, 5])
@pytest.mark.parametrize("augment", [OFF, STILL])
def test_off_is_the_stored_crop_bit_for_bit(margin: int, augment: AugmentSettings) -> None:
    rng = np.random.default_rng(0)
    template, search = (
        rng.integers(256, size=(size + 2 * margin, size + 2 * margin, 3), dtype=np.uint8)
        for size in (127, 255)
    )
    z, x, box = augment_pair(template, search, (60.0, 30.0), augment, numbers_of(0, 0, 0))
    inner = slice(margin, -margin or None)
    np.testing.assert_array_equal(z, template[inner, inner])
    np.testing.assert_array_equal(x, search[inner, inner])
    assert box.tolist() == [97.5, 112.5, 157.5, 142.5]


def test_flip_mirrors_both_crops_and_the_box() -> None:
    rng = np.random.default_rng(1)
    template = rng.integers(256, size=(127, 127, 3), dtype=np.uint8)
    search = rng.integers(256, size=(255, 255, 3), dtype=np.uint8)
    some: dict[str, Any] = {"gray": 0.0, "template_scale": 0.0, "template_translate_px": 0.0}
    plain, mirrored = (
        augment_pair(
            template, search, (50, 20), AugmentSettings(flip=flip, **some), numbers_of(5, 0, 0)
        )
        for flip in (0.0, 1.0)
    )
    np.testing.assert_array_equal(mirrored[0], plain[0][:, ::-1])
    np.testing.assert_array_equal(mirrored[1], plain[1][:, ::-1])
    np.testing.assert_allclose(mirrored[2][[0, 2]], 255 - plain[2][[2, 0]], atol=1e-4)
    np.testing.assert_array_equal(mirrored[2][[1, 3]], plain[2][[1, 3]])


def test_gray_pairs_are_gray_in_both_crops_and_as_frequent_as_asked() -> None:
    rng = np.random.default_rng(2)
    template = rng.integers(256, size=(127, 127, 3), dtype=np.uint8)
    search = rng.integers(256, size=(255, 255, 3), dtype=np.uint8)
    changes = draw_changes(
        AugmentSettings(),
        pair_numbers(0, 0, np.arange(4000)),
        template_px=np.full(4000, 127),
        search_px=np.full(4000, 255),
    )
    for pair, change in enumerate(changes[:20]):
        crops = augment_pair(template, search, (50, 20), AugmentSettings(), numbers_of(0, 0, pair))
        is_gray = [(np.ptp(crop, axis=2) == 0).all() for crop in crops[:2]]
        assert is_gray == [change.gray, change.gray]
    assert 900 < sum(change.gray for change in changes) < 1100
    assert 1900 < sum(change.flip for change in changes) < 2100


def test_a_pairs_numbers_are_the_same_in_any_batch_and_no_other_pairs() -> None:
    together = pair_numbers(7, 3, np.arange(100, 150))
    first = pair_numbers(7, 3, np.arange(100, 150), blocks=1)
    np.testing.assert_array_equal(first, together[:, :8])
    np.testing.assert_array_equal(pair_numbers(7, 3, np.array([149, 100])), together[[-1, 0]])
    assert np.unique(together).size == together.size
    for seed, epoch in ((8, 3), (7, 4)):
        assert not np.isin(pair_numbers(seed, epoch, np.arange(100, 150)), together).any()


def test_a_window_past_the_crop_shows_its_reflection() -> None:
    image = np.random.default_rng(3).integers(256, size=(40, 40, 3), dtype=np.uint8)
    mirrored = np.pad(image, ((10, 10), (10, 10), (0, 0)), mode="reflect")
    for left, top in ((-7, 4), (9, -10), (10, 10), (0, 0)):
        found = np.empty_like(image)
        cut_window(image, Window(left, top, 40, 40), 40, gray=False, flip=False, out=found)
        np.testing.assert_array_equal(found, mirrored[top + 10 : top + 50, left + 10 : left + 50])


@pytest.mark.parametrize("side", [200, 230, 255])
def test_windows_of_whole_pixels_are_cut_as_the_tracker_cuts_them(side: int) -> None:
    image = made_crop(319, (60, 60), np.random.default_rng(4))
    found = np.empty((255, 255, 3), np.uint8)
    cut_window(image, Window(20, 31, side, side), 255, gray=False, flip=False, out=found)
    center = (20 + side / 2, 31 + side / 2)
    expected = crop_square(image, center=center, side=side, size=255, fill=(0, 0, 0))
    # the two interpolate with other fixed-point weights, and at the border one repeats its pixels
    inner = slice(2, -2)
    difference = found[inner, inner].astype(int) - expected[inner, inner]
    assert np.abs(difference).max() <= 2


def test_one_setting_does_not_change_what_another_draws() -> None:
    template, search = bright_target(127, (41, 41)), bright_target(255, (41, 41))
    boxes = [
        augment_pair(template, search, (41, 41), augment, numbers_of(3, 1, 7))[2]
        for augment in (AugmentSettings(), AugmentSettings(gray=1, template_scale=0))
    ]
    np.testing.assert_array_equal(boxes[0], boxes[1])


@pytest.mark.parametrize("augment", [OFF, AugmentSettings(), AugmentSettings(gray=0)])
def test_a_pair_is_the_same_in_any_batch(augment: AugmentSettings) -> None:
    rng = np.random.default_rng(4)
    jpegs = [encode_jpeg(made_crop(size, (60, 60), rng)) for size in (135, 263)]
    records = np.zeros(6, PAIR)
    records["pair"] = [3, 9, 9, 100, 2**40, 3]
    for role, jpeg in zip(("template", "search"), jpegs, strict=True):
        records[role]["num_bytes"] = len(jpeg)
        records[role]["offset"] = role == "search"
    records["target_size"] = 60

    def read(shard: int, offset: int, num_bytes: int, crc32: int) -> bytes:
        return jpegs[offset]

    maker = PairMaker(stored_px=[(135, 263)], augment=augment, seed=8)
    whole = empty_arrays(6)
    assert maker.make(records, read, epoch=2, out=whole) == []
    for i in range(6):
        alone = empty_arrays(1)
        maker.make(records[[i]], read, epoch=2, out=alone)
        for name in BatchArrays._fields:
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[i])
    np.testing.assert_array_equal(whole.search[0], whole.search[5])
    if not augment.enabled:
        stored = decode_image(jpegs[1])
        np.testing.assert_array_equal(whole.search[0], stored[4:-4, 4:-4])


@pytest.mark.parametrize(
    ("option", "value"), [("gray", 1.5), ("search_scale", 0.9), ("template_translate_px", 100)]
)
def test_settings_out_of_range_are_rejected(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} must be from 0 to"):
        AugmentSettings(**{option: value})  # type: ignore[arg-type]
