"""Decoding of both heads: geometry, windows, penalties, and outputs that overflow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.location import cell_locations
from tracking.decoders.base import CENTER, Motion
from tracking.decoders.car import CarDecoder, CarSettings
from tracking.decoders.siamfc import SiamFCDecoder, SiamFCSettings

CAR = cell_locations(cut=1).numpy().astype(np.float64)
SIAMFC = cell_locations().numpy().astype(np.float64)


def decode_car(
    outputs: dict[str, np.ndarray], size: tuple[float, float], settings: CarSettings
) -> Motion:
    return CarDecoder(settings, CAR).decode(outputs, size)


def decode_siamfc(
    outputs: dict[str, np.ndarray], size: tuple[float, float], settings: SiamFCSettings
) -> Motion:
    return SiamFCDecoder(settings, SIAMFC).decode(outputs, size)


def propose(
    box_xyxy: tuple[float, float, float, float], peak: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return car outputs in which every cell proposes one box and one cell is sure of it."""
    left, top, right, bottom = box_xyxy
    x, y = CAR[None, :] + 0.5, CAR[:, None] + 0.5
    ltrb = np.stack(np.broadcast_arrays(x - left, y - top, right - x, bottom - y))
    logits = np.zeros((2, 25, 25))
    logits[0] = 10
    logits[(1, *peak)] = 30
    return {"logits": logits[None], "ltrb": ltrb[None]}


@pytest.mark.parametrize("peak", [(0, 0), (12, 12), (24, 0), (0, 24), (24, 24), (3, 17)])
def test_any_cell_decodes_to_the_box_that_it_proposes(peak: tuple[int, int]) -> None:
    outputs = propose((90.25, 101.5, 130.75, 161.5), peak)
    every = CarSettings(lr=1, penalty=0, window=0)
    motion = decode_car(outputs, (63.5, 63.5), every)
    assert motion.shift_in_search == pytest.approx((110.5 - 127.5, 131.5 - 127.5))
    assert motion.size_in_search == pytest.approx((40.5, 60.0), rel=1e-6)
    assert motion.score == pytest.approx(1)


@pytest.mark.parametrize("name", sorted(CarDecoder.presets))
def test_a_target_that_stays_keeps_place_and_size(name: str) -> None:
    outputs = propose((107.5, 97.5, 147.5, 157.5), (12, 12))
    motion = decode_car(outputs, (40.0, 60.0), CarDecoder.presets[name])
    assert motion.shift_in_search == pytest.approx((0, 0), abs=1e-9)
    assert motion.size_in_search == pytest.approx((40, 60))


def test_the_window_prefers_the_last_position_among_equals() -> None:
    outputs = propose((107.5, 107.5, 147.5, 147.5), (12, 12))
    outputs["logits"][:] = 0  # all cells are as sure
    boxes = outputs["ltrb"][0]
    boxes[:] = 20  # each proposes a box around itself
    motion = decode_car(outputs, (40.0, 40.0), CarSettings(window=0.3))
    nearest = np.abs(CAR - CENTER).min()
    assert np.abs(motion.shift_in_search).max() == pytest.approx(nearest)


def test_the_penalty_does_not_depend_on_the_size_of_the_image() -> None:
    """Two proposals, one of the target's own size: it wins whatever k is."""
    outputs = propose((107.5, 107.5, 147.5, 147.5), (12, 12))
    outputs["logits"][0, 1, 12, 13] = 30
    outputs["ltrb"][0, :, 12, 13] = 60
    for k in (0.04, 0.2, 5):
        motion = decode_car(outputs, (40.0, 40.0), CarSettings(penalty=k, window=0))
        assert motion.size_in_search == pytest.approx((40, 40))


def test_size_changes_by_lr_times_penalty_times_score() -> None:
    outputs = propose((97.5, 97.5, 157.5, 157.5), (12, 12))  # 60 px, the target had 40
    k, lr = 0.2, 0.35
    motion = decode_car(outputs, (40.0, 40.0), CarSettings(lr=lr, penalty=k, window=0))
    share = lr * np.exp(-k * (60 / 40 - 1))
    assert motion.size_in_search[0] == pytest.approx(40 + share * 20, rel=1e-6)


wild = st.sampled_from([0.0, 1e-30, 1.0, 500.0, 1e20, 3e38, np.inf])
logit = st.sampled_from([-3e38, -5.0, 0.0, 5.0, 3e38])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.lists(wild, min_size=1), st.lists(logit, min_size=1))
def test_overflowing_outputs_never_become_nan(seed: int, sides: list, logits: list) -> None:
    rng = np.random.default_rng(seed)
    outputs = {
        "logits": rng.choice(logits, (1, 2, 25, 25)),
        "ltrb": rng.choice(sides, (1, 4, 25, 25)),
    }
    motion = decode_car(outputs, (30.0, 50.0), CarSettings())
    assert np.isfinite([*motion.shift_in_search, *motion.size_in_search, motion.score]).all()
    assert 0 <= motion.score <= 1


def siamfc_peak(scale: int, row: float, column: float) -> dict[str, np.ndarray]:
    """Return smooth siamfc outputs with their peak at a place between cells."""
    index = np.arange(23)
    bump = np.exp(-((index[:, None] - row) ** 2 + (index[None, :] - column) ** 2) / 24)
    return {"response": np.stack([bump * (8 if s == scale else 1) - 4 for s in range(3)])}


@pytest.mark.parametrize(("row", "column"), [(10.6, 10.6), (8.0, 14.25), (3.5, 19.0)])
def test_a_peak_between_cells_is_found_to_a_pixel(row: float, column: float) -> None:
    motion = decode_siamfc(siamfc_peak(1, row, column), (60.0, 40.0), SiamFCSettings(window=0))
    expected = (6 * column + 63 - 127, 6 * row + 63 - 127)
    assert motion.shift_in_search == pytest.approx(expected, abs=1)
    assert motion.size_in_search == (60, 40)


@pytest.mark.parametrize("scale", [0, 2])
def test_the_winning_scale_moves_size_and_shift(scale: int) -> None:
    chosen = SiamFCSettings(window=0)
    motion = decode_siamfc(siamfc_peak(scale, 10, 14), (60.0, 40.0), chosen)
    ratio = chosen.scale_step ** (scale - 1)
    factor = 1 - chosen.lr + chosen.lr * ratio
    assert motion.size_in_search == pytest.approx((60 * factor, 40 * factor))
    assert motion.shift_in_search[0] == pytest.approx((6 * 14 + 63 - 127) * ratio, abs=0.5)


def test_a_flat_response_stays_in_place() -> None:
    flat = {"response": np.full((3, 23, 23), -7.0)}
    motion = decode_siamfc(flat, (60.0, 40.0), SiamFCSettings())
    assert np.abs(motion.shift_in_search).max() < 0.5  # an enlarged position is 0.375 px
    assert motion.size_in_search == (60, 40)


def test_scales_are_symmetric_around_one() -> None:
    scales = SiamFCDecoder(SiamFCSettings(num_scales=5), SIAMFC).scales
    assert scales[2] == 1
    assert scales * scales[::-1] == pytest.approx(np.ones(5))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 1.5}, "lr is 1.5, expected a number from 0 to 1"),
        ({"window": float("nan")}, "window is nan"),
        ({"penalty": -1}, "penalty is -1, expected 0 or more"),
    ],
)
def test_settings_outside_their_range_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CarSettings(**values)


def test_an_even_number_of_scales_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an odd number"):
        SiamFCSettings(num_scales=2)
