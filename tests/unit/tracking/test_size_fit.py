"""Sizes of a network that answers too near to the usual size are corrected by the first frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.decoders.car import CarDecoder, CarSettings
from tracking.decoders.size_fit import ZOOMS, SizeFit, fit_sizes

SIZE = (33.0, 98.0)
"""A target's size in the plain search crop of the first frame."""
TRUE = np.array(SIZE) / ZOOMS[:, None]
LOCATIONS = np.arange(16.0, 240.0, 8.0)
sides = st.floats(20, 120)


def shrunk(sizes: np.ndarray, slope: float, usual: float = 64.0) -> np.ndarray:
    """Return the sizes that a network answers which is drawn towards a usual side."""
    scale = np.sqrt(sizes.prod(axis=-1, keepdims=True))
    return np.asarray(sizes * (usual / scale) ** (1 - slope))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(sides, sides, st.floats(0.4, 1.5))
def test_sizes_drawn_towards_the_usual_one_come_back(w: float, h: float, slope: float) -> None:
    fit = fit_sizes(shrunk(TRUE, slope), TRUE, 1.0)
    later = np.array([w, h])
    answered = shrunk(later, slope)
    corrected = fit.correct(answered[0], answered[1], (w * 1.2, h / 1.1))
    np.testing.assert_allclose(corrected, later, rtol=1e-6)


def test_right_sizes_and_no_share_change_nothing() -> None:
    for fit in (fit_sizes(TRUE, TRUE, 1.0), fit_sizes(shrunk(TRUE, 0.5), TRUE, 0.0)):
        np.testing.assert_allclose(fit.correct(20.0, 30.0, (21.0, 29.0)), (20.0, 30.0))


def test_half_of_the_first_frames_error_of_the_aspect_is_taken_out() -> None:
    width, height = fit_sizes(TRUE * [1.5, 1 / 1.5], TRUE, 1.0).correct(49.5, 98 / 1.5, SIZE)
    assert width / height == pytest.approx(33 / 98 * 1.5, rel=1e-6)


def test_answers_that_do_not_follow_the_zoom_are_not_blown_up() -> None:
    fit = fit_sizes(np.full((len(ZOOMS), 2), 50.0), TRUE, 1.0)
    assert fit.slope == 0.4
    assert np.prod(fit.correct(5000.0, 5000.0, SIZE)) == pytest.approx(4 * np.prod(SIZE))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_nothing_is_learnt_from_sizes_that_are_none(value: float) -> None:
    damaged = TRUE.copy()
    damaged[3, 1] = value
    assert fit_sizes(damaged, TRUE, 1.0) == SizeFit()


def answer(size: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs of a head that is sure of the centre and answers a size there."""
    n = len(LOCATIONS)
    distance = np.abs(LOCATIONS - 127.0)
    logits = np.stack([np.zeros((n, n)), 9.0 - (distance[:, None] + distance) / 8])
    half = np.broadcast_to(size[:, None, None] / 2, (2, n, n))
    return {"logits": logits[None], "ltrb": np.concatenate([half, half])[None]}


def test_a_calibrated_decoder_follows_the_true_size_and_leaves_the_other_as_it_was() -> None:
    plain = CarDecoder(CarSettings(lr=1, penalty=0, window=0, calibration=1), LOCATIONS)
    calibrated = plain.calibrate([answer(shrunk(size, 0.5)) for size in TRUE], TRUE)
    grown = np.array(SIZE) * 1.3
    outputs = answer(shrunk(grown, 0.5))
    np.testing.assert_allclose(calibrated.decode(outputs, SIZE).size_in_search, grown, rtol=1e-3)
    assert plain.decode(outputs, SIZE).size_in_search != pytest.approx(grown, rel=0.05)


def test_the_published_settings_take_sizes_as_predicted() -> None:
    assert len(CarDecoder(CarDecoder.presets["otb"], LOCATIONS).calibration_zooms) == 0
