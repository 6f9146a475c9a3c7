"""Baselines behind the tracker's interface: any box on any image, the same every time."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.box_files import read_box_file
from datasets.images import decode_image
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import measure
from tracking.baselines import BASELINES, baseline_identity, create_baseline
from tracking.interface import Prediction


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (12, 16, 3), np.uint8)
    image: np.ndarray = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return image


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.tuples(st.integers(1, 120), st.integers(1, 160)),
    st.tuples(st.floats(-99, 200), st.floats(-99, 200), st.floats(0.5, 400), st.floats(0.5, 400)),
)
def test_any_box_on_any_image_gives_a_finite_box(
    shape: tuple[int, int], box: tuple[float, ...]
) -> None:
    image = textured(*shape)
    for create in BASELINES.values():
        tracker = create()
        tracker.init(image, np.array(box))
        for _ in range(2):
            prediction = tracker.update(image)
            assert np.isfinite(prediction.box_xywh).all()
            assert (prediction.box_xywh[2:] > 0).all()


def test_mil_stays_nearer_to_a_moving_patch_than_a_box_that_never_moves() -> None:
    back, patch = textured(200, 260) // 4, textured(36, 30, seed=5)
    tracker = create_baseline("mil")
    for step in range(12):
        image = back.copy()
        x, y = 40 + 4 * step, 60 + 2 * step
        image[y : y + 36, x : x + 30] = patch
        if step == 0:
            tracker.init(image, np.array([x, y, 30.0, 36.0]))
        else:
            box = tracker.update(image).box_xywh
    assert np.hypot(*(box[:2] - (x, y))) < 0.6 * np.hypot(x - 40, y - 60)


def test_mil_gives_the_same_boxes_twice() -> None:
    runs = []
    for _ in range(2):
        tracker = create_baseline("mil")
        tracker.init(textured(100, 120), np.array([30.5, 30, 25, 20.25]))
        runs.append([tracker.update(textured(100, 120, s)).box_xywh.tolist() for s in range(3)])
    assert runs[0] == runs[1]


def test_static_never_moves_and_what_it_returns_is_a_copy() -> None:
    tracker = create_baseline("static")
    tracker.init(textured(50, 50), np.array([1.5, 2, 3, 4]))
    tracker.update(textured(50, 50)).box_xywh[:] = 0
    assert tracker.update(textured(50, 50)).box_xywh.tolist() == [1.5, 2, 3, 4]


@pytest.mark.skipif("kcf" not in BASELINES, reason="this OpenCV is not the contrib build")
def test_kcf_takes_the_highest_response_as_published(shared: Path) -> None:
    tracker = create_baseline("kcf")
    folder = shared / "data/otb/Crossing"
    truth = read_box_file(folder / "groundtruth_rect.txt")
    found: list[Prediction] = []
    for path, box in zip(sorted((folder / "img").iterdir()), truth, strict=True):
        image = decode_image(path.read_bytes())
        if not found:
            tracker.init(image, box - (1, 1, 0, 0))
            found.append(Prediction(box_xywh=box - (1, 1, 0, 0), score=1.0))
        else:
            found.append(tracker.update(image))
    assert not any(each.kept for each in found)
    boxes = np.array([each.box_xywh for each in found]) + np.array([1, 1, 0, 0])
    auc = measure(boxes, truth, convention=CONVENTIONS["otb"], where="kcf").auc
    assert 0.5 < auc < 0.58  # 0.084 where a low response is no answer


@pytest.mark.parametrize("name", ["mil", "csrt", "kcf"])
def test_results_of_a_baseline_depend_on_settings_that_differ_from_opencv(name: str) -> None:
    assert baseline_identity(name) == ("kcf detect_thresh=0" if name == "kcf" else name)


def test_a_frame_of_another_size_keeps_the_box_with_score_0() -> None:
    tracker = create_baseline("mil")
    tracker.init(textured(100, 120), np.array([30, 30, 25, 20.0]))
    prediction = tracker.update(textured(60, 60))
    assert prediction.box_xywh.tolist() == [30, 30, 25, 20]
    assert prediction.score == 0
    assert prediction.kept
    assert not tracker.update(textured(100, 120)).kept


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'milk': unknown, expected one of"):
        create_baseline("milk")


@pytest.mark.parametrize("name", ["csrt", "kcf"])
def test_a_tracker_of_the_contrib_build_says_how_to_get_it(name: str) -> None:
    if name in BASELINES:
        pytest.skip("this OpenCV is the contrib build, which has it")
    with pytest.raises(ValueError, match="opencv-contrib-python: uninstall opencv-python first"):
        create_baseline(name)
