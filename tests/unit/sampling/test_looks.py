"""Colour and blur of a finished crop: what they do, and how often."""

import cv2
import numpy as np
import pytest

from sampling.augment import AugmentSettings, Change, draw_changes
from sampling.pixels.looks import Color, Look, change_color, change_look
from sampling.rng import pair_numbers
from tests.support.crops import made_crop

ALL = AugmentSettings(color=0.3, blur=0.4, search_aspect=0.2, transplant=0.5)


def draw(settings: AugmentSettings, count: int) -> list[Change]:
    return draw_changes(
        settings,
        pair_numbers(0, 0, np.arange(count), blocks=settings.num_blocks),
        template_px=np.full(count, 191),
        search_px=np.full(count, 319),
    )


def test_what_is_off_takes_no_numbers_and_what_is_on_leaves_the_rest_as_it_was() -> None:
    assert AugmentSettings().num_blocks == 1
    plain = draw(AugmentSettings(), 50)
    for change, same in zip(draw(AugmentSettings(color=0.3, blur=0.4), 50), plain, strict=True):
        assert change[:4] == same[:4]
    assert draw(AugmentSettings(transplant=0.5), 50) == plain  # without backgrounds in the plan
    assert AugmentSettings(enabled=False, color=0.3, transplant=1).num_blocks == 1
    assert AugmentSettings(enabled=False, transplant=1).transplant_share == 0


def test_colours_keep_the_relation_of_the_means() -> None:
    rng = np.random.default_rng(0)
    crop = rng.integers(90, 150, (255, 255, 3), dtype=np.uint8)
    crop[..., 2] -= 30
    color = Color(contrast=1.2, brightness=0.9, gains=(1.05, 1.0, 0.97))
    before = crop.reshape(-1, 3).astype(float)
    found = crop.copy()
    change_color(found, color)
    after = found.reshape(-1, 3).astype(float)
    gains, mean = np.array(color.gains), before.mean()
    expected = ((before - mean) * color.contrast + mean * color.brightness) * gains
    assert np.abs(after - expected).max() <= 1
    neutral = crop.copy()
    change_color(neutral, color._replace(gains=(1.0, 1.0, 1.0)))
    assert neutral.mean() == pytest.approx(0.9 * mean, abs=0.5)
    assert neutral.std() == pytest.approx(1.2 * before.std(), rel=0.02)


def test_blur_is_a_gaussian_of_the_whole_crop() -> None:
    crop = made_crop(255, (60, 60), np.random.default_rng(1))
    for sigma in (0.5, 1.3, 2.0):
        found = crop.copy()
        change_look(found, Look(blur_px=sigma))
        expected = cv2.GaussianBlur(crop, (0, 0), sigma)
        assert np.abs(found.astype(int) - expected).mean() < 0.5 + 0.5 * sigma
        assert abs(found.mean() - crop.mean()) < 0.5
        assert found.astype(float).std() < crop.astype(float).std()


def test_looks_are_as_frequent_and_as_strong_as_asked() -> None:
    changes = draw(ALL, 4000)
    for looks, share, largest in (
        ([change.search_look for change in changes], 0.4, 2.0),
        ([change.template_look for change in changes], 0.2, 1.5),
    ):
        blurs = np.array([look.blur_px for look in looks])
        assert np.mean(blurs > 0) == pytest.approx(share, abs=0.03)
        assert blurs[blurs > 0].min() == pytest.approx(0.5, abs=0.01)
        assert blurs.max() == pytest.approx(largest, abs=0.01)
        colors = [look.color for look in looks]
        for name in ("contrast", "brightness"):
            values = np.array([getattr(color, name) for color in colors])
            assert (values.min(), values.max()) == pytest.approx((0.7, 1.3), abs=0.01)
        gains = np.array([color.gains for color in colors if color is not None])
        assert (gains.min(), gains.max()) == pytest.approx((0.925, 1.075), abs=0.01)
    for change in changes[:200]:
        assert change.template_look != change.search_look  # each crop its own
        for look in (change.template_look, change.search_look):
            assert look.color is not None
            assert (look.color.gains == (1.0, 1.0, 1.0)) == change.gray


def test_aspects_fill_the_range_that_is_asked_for_around_the_same_scale() -> None:
    windows = np.array([change.search for change in draw(ALL, 4000)])
    aspect = np.log(windows[:, 3] / windows[:, 2])
    assert (aspect.min(), aspect.max()) == pytest.approx((-0.2, 0.2), abs=0.01)
    plain = np.array([change.search for change in draw(AugmentSettings(), 4000)])
    area = windows[:, 2] * windows[:, 3] / (plain[:, 2] * plain[:, 3])
    assert np.abs(area - 1).max() < 0.01
