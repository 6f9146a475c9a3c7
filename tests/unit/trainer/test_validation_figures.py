"""Figures of validation cannot flatter: beside each stands what no learning at all would reach."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import tyro
from torch import nn

from sampling.pair_index import pair_sources
from tests.support.launch import TINY, finish, rank_environments, start_rank
from trainer.config import TrainConfig
from trainer.distributed import Ranks, open_ranks
from trainer.learning.learner import Learner
from trainer.preemption import StopRequest
from trainer.recipes import expand_recipes
from trainer.setup import Batches, make_learner, open_manifests
from trainer.validation.figures import (
    Floats,
    Groups,
    KnownPairs,
    box_iou,
    find_weak_sizes,
    measure_groups,
    measure_places,
    measure_sizes,
)
from trainer.validation.shown_figures import as_lines
from trainer.validation.validate import ValidationReport, validate

CONSTANT = (70.0, 60.0)


def true_boxes(count: int = 40) -> Floats:
    rng = np.random.default_rng(0)
    center, size = rng.uniform(95, 160, (count, 2)), rng.uniform(20, 120, (count, 2))
    return np.concatenate([center - size / 2, center + size / 2], axis=1)


def same_size(boxes: Floats, size: tuple[float, float]) -> Floats:
    center, half = (boxes[:, :2] + boxes[:, 2:]) / 2, np.array(size) / 2
    return np.concatenate([center - half, center + half], axis=1)


def number(figures: dict[str, float | None], name: str) -> float:
    value = figures[name]
    assert value is not None
    return value


def test_iou_of_equal_halved_and_disjoint_boxes() -> None:
    box = np.array([[10.0, 10.0, 30.0, 20.0]]).repeat(3, axis=0)
    other = np.array([[10.0, 10, 30, 20], [20, 10, 30, 20], [40, 40, 50, 50]])
    assert box_iou(box, other) == pytest.approx([1.0, 0.5, 0.0])


def test_a_constant_box_gains_no_size_wherever_it_is_put() -> None:
    true = true_boxes()
    figures = measure_sizes(same_size(true + 9.0, CONSTANT), true, np.array(CONSTANT))
    assert number(figures, "size_gain") == pytest.approx(0.0, abs=1e-6)
    assert figures["iou"] == pytest.approx(figures["constant_iou"])
    assert figures["log_width_error"] == pytest.approx(figures["constant_log_width_error"])
    assert figures["log_aspect_correlation"] is None


def test_a_perfect_head_gains_all_that_the_constant_box_lacks() -> None:
    true = true_boxes()
    figures = measure_sizes(true, true, np.array(CONSTANT))
    expected = 1 - box_iou(same_size(true, CONSTANT), true).mean()
    assert figures["size_gain"] == pytest.approx(expected)
    assert figures["iou"] == pytest.approx(1.0)
    assert figures["log_width_error"] == figures["log_height_error"] == 0.0
    assert figures["log_aspect_correlation"] == pytest.approx(1.0)


def test_sizes_that_err_by_a_factor_say_so_whichever_way_they_err() -> None:
    true = true_boxes()
    center, size = (true[:, :2] + true[:, 2:]) / 2, true[:, 2:] - true[:, :2]
    half = size * np.where(np.arange(len(true)) % 2, 1.25, 1 / 1.25)[:, None] / 2
    wrong = np.concatenate([center - half, center + half], axis=1)
    figures = measure_sizes(wrong, true, np.array(CONSTANT))
    assert figures["log_height_error"] == pytest.approx(np.log(1.25))


def test_a_network_that_answers_the_middle_has_its_own_trivial_figures() -> None:
    true = true_boxes()
    middle = np.full((len(true), 4), 255 / 2)
    figures = measure_places(middle, true)
    for name in ("center_error_px", "center_error_median_px", "true_size_iou"):
        assert figures[name] == pytest.approx(figures[f"middle_{name}"]), name
    assert measure_places(true, true)["center_error_px"] == 0.0
    assert measure_places(true, true)["true_size_iou"] == pytest.approx(1.0)


def test_kinds_and_sources_are_judged_apart() -> None:
    true = true_boxes(6)
    is_video = np.array([True, True, True, False, False, False])
    predicted = np.where(is_video[:, None], true + 30.0, true)
    sources = np.array(["vid", "vid", "coco", "coco", "coco", "coco"])
    known = KnownPairs(sources=sources, is_video=is_video, constant_size=CONSTANT)
    groups = measure_groups(predicted, true, known, has_size=True)
    assert list(groups) == ["all", "video", "stills", "source coco", "source vid"]
    assert [groups[name]["num_pairs"] for name in groups] == [6, 3, 3, 4, 2]
    assert groups["stills"]["center_error_px"] == 0.0
    assert groups["video"]["center_error_px"] == pytest.approx(30 * 2**0.5)
    assert groups["source coco"]["center_error_px"] == pytest.approx(30 * 2**0.5 / 4)
    assert "size_gain" not in measure_groups(predicted, true, known, has_size=False)["all"]


def test_the_log_shows_no_figure_without_its_trivial_answer() -> None:
    true = true_boxes()
    known = KnownPairs(
        sources=np.array(["vid"] * 20 + ["coco"] * 20),
        is_video=np.arange(40) < 20,
        constant_size=CONSTANT,
    )
    head, *lines = as_lines(measure_groups(true, true, known, has_size=True))
    assert [line.split("  ")[0] for line in lines] == [
        *("video", "stills", "source coco", "source vid")
    ]
    for line in lines:
        assert line.count(" (") == 9
    assert head.endswith("  aspect corr.")


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ({"video": 0.05, "stills": 0.08}, None),
        ({"video": 0.004, "stills": 0.08}, "size gain 0.004 on video, 0.080 on stills: below 0.02"),
        ({"stills": 0.019}, "size gain 0.019 on stills: below 0.02"),
        ({"video": None}, None),
    ],
)
def test_sizes_no_better_than_a_constant_box_are_warned_of(
    gains: dict[str, float | None], said: str | None
) -> None:
    warning = find_weak_sizes({kind: {"size_gain": gain} for kind, gain in gains.items()})
    assert (warning is None) == (said is None)
    assert said is None or said in str(warning)


def open_run(options: list[str], ranks: Ranks) -> tuple[Learner, Batches]:
    config = tyro.cli(
        TrainConfig, args=expand_recipes(options), config=(tyro.conf.FlagConversionOff,)
    )
    batches = Batches(config, open_manifests(config), ranks)
    return make_learner(config, ranks, torch.device("cpu")), batches


def report_of(learner: Learner, batches: Batches) -> ValidationReport:
    report = validate(learner, batches.validation(), batches.known, stop=StopRequest())
    assert report is not None
    return report


@pytest.fixture(scope="module")
def car_options(sample_shards: Path) -> list[str]:
    manifests = [str(sample_shards / name / "manifest.parquet") for name in ("vid", "coco")]
    options = [
        *TINY,
        "--recipe",
        "paper-finetune-aug",
        "--model.width",
        "0.02",
        "--model.gain",
        "0.1",
    ]
    options += ["--batch-size", "4", "--data.val-pairs", "15", "--threads", "1"]
    options += ["--schedule.rates", "0.01", "--init-weights", "None"]
    return [*options, "--manifests", *manifests]


def test_a_network_whose_boxes_are_constant_has_no_size_gain(car_options: list[str]) -> None:
    learner, batches = open_run(car_options, Ranks())
    last = learner.network.head.regression[-1]  # type: ignore[index]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    width, height = batches.known.constant_size
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([width, height, width, height]).div(2).log())
    figures = report_of(learner, batches).figures
    assert set(figures) == {"all", "video", "stills", "source coco", "source vid"}
    for group in figures.values():
        assert number(group, "size_gain") == pytest.approx(0.0, abs=1e-6)
        assert group["iou"] == pytest.approx(group["constant_iou"], abs=1e-6)


def test_the_constant_box_is_the_median_of_the_training_pairs(car_options: list[str]) -> None:
    _, batches = open_run(car_options, Ranks())
    sizes = []
    for batch in batches.epoch(0, first_step=0):
        sizes.append(batch.boxes_xyxy[:, 2:] - batch.boxes_xyxy[:, :2])
    seen = torch.cat(sizes).median(dim=0).values.tolist()
    assert batches.known.constant_size == pytest.approx(seen, rel=0.1)  # scale jitter in training


def test_the_siamfc_head_is_judged_by_its_places_only(sample_shards: Path) -> None:
    options = [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    report = report_of(*open_run(options, Ranks()))
    assert list(report.figures) == ["all", "video", "source vid"]
    assert "center_error_px" in report.figures["video"]
    assert not [name for name in report.figures["video"] if "size" in name and "true" not in name]


def save_report(options: list[str], path: str) -> None:
    """Write the report of an untrained network that this rank has."""
    with open_ranks(torch.device("cpu")) as ranks:
        report = report_of(*open_run(options, ranks))
    plain = {**asdict(report), "examples": None}
    Path(path).write_text(json.dumps(plain))


def test_the_report_of_2_and_3_ranks_is_that_of_one_process(
    car_options: list[str], tmp_path: Path
) -> None:
    reports = []
    for world_size in (1, 2, 3):
        paths = [tmp_path / f"{world_size}-{rank}" for rank in range(world_size)]
        ranks = [
            start_rank(save_report, car_options, str(path), environment=environment)
            for path, environment in zip(paths, rank_environments(world_size), strict=True)
        ]
        assert finish(ranks) == [0] * world_size
        reports += [json.loads(path.read_text()) for path in paths]
    for report in reports[1:]:
        assert report["loss"] == pytest.approx(reports[0]["loss"])
        assert report["auc"] == pytest.approx(reports[0]["auc"], rel=1e-4)
        assert report["middle_auc"] == reports[0]["middle_auc"]
        assert_same_figures(report["figures"], reports[0]["figures"])


def assert_same_figures(found: Groups, expected: Groups) -> None:
    assert found.keys() == expected.keys()
    for group, figures in expected.items():
        assert found[group] == pytest.approx(figures, rel=1e-4, abs=1e-5), group
        assert found[group]["num_pairs"] == figures["num_pairs"]


def test_sources_are_those_of_the_manifests_rows(car_options: list[str]) -> None:
    config = tyro.cli(
        TrainConfig, args=expand_recipes(car_options), config=(tyro.conf.FlagConversionOff,)
    )
    manifests = open_manifests(config)
    plan = Batches(config, manifests, Ranks())._val.dataset.plan
    rows = [name for manifest in manifests for name in manifest.rows["source"].to_list()]
    assert pair_sources(manifests, plan).tolist() == [rows[row] for row in plan.template_rows]
