"""Template side and scale: the geometry that the paper states."""

import pytest

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE, crop_scale, template_side


@pytest.mark.parametrize("side", [2.0, 31.0, 700.0])
def test_a_square_target_fills_half_the_template(side: float) -> None:
    assert template_side(side, side) == pytest.approx(2 * side)
    assert side * crop_scale(side, side) == pytest.approx(TEMPLATE_SIZE / 2)


def test_side_follows_from_width_height_and_context() -> None:
    width, height, padding = 40.0, 10.0, 25.0
    assert template_side(width, height) ** 2 == pytest.approx(
        (width + padding) * (height + padding)
    )
    assert template_side(width, height, context=0) ** 2 == pytest.approx(width * height)


def test_both_crops_have_the_same_scale() -> None:
    side = template_side(33, 77)
    assert SEARCH_SIZE / (side * SEARCH_SIZE / TEMPLATE_SIZE) == pytest.approx(crop_scale(33, 77))
