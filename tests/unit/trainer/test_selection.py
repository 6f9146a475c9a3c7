"""The best epoch is the one that a tracker needs, and a run keeps to one way of choosing it."""

from pathlib import Path

import pytest

from model.weights import read_description
from tests.support.launch import TINY, finish, start, train
from trainer.config import TrainConfig
from trainer.output.metrics import best_validation, read_metrics
from trainer.validation.selection import SELECTIONS, choose


def test_each_selection_looks_at_what_its_name_says() -> None:
    video = {"iou": 0.5, "true_size_iou": 0.6, "center_error_px": 9.0}
    stills = {"iou": 0.7, "true_size_iou": 0.8, "center_error_px": 2.0}
    both = {"video": video, "stills": stills, "all": {"iou": 0.0}}
    values = {name: select(0.3, both) for name, select in SELECTIONS.items()}
    assert values == {"loss": -0.3, "iou": pytest.approx(0.6), "place": 0.6, "center": -9.0}
    values = {name: select(0.3, {"stills": stills}) for name, select in SELECTIONS.items()}
    assert values == {"loss": -0.3, "iou": 0.7, "place": 0.8, "center": -2.0}


def test_of_equal_epochs_the_later_one_is_best() -> None:
    groups = {"video": {"iou": 0.5}}
    assert choose("iou", 0.1, groups, best_value=0.5).is_best
    assert choose("iou", 0.1, groups, best_value=float("-inf")).is_best
    assert not choose("iou", 0.1, groups, best_value=0.500001).is_best


def test_an_epoch_without_a_finite_figure_is_best_only_for_want_of_another() -> None:
    undefined = {"video": {"iou": None, "true_size_iou": None, "center_error_px": None}}
    for select in ("iou", "place", "center"):
        assert choose(select, 0.1, undefined, best_value=float("-inf")).is_best
        assert not choose(select, 0.1, undefined, best_value=-1e9).is_best


def test_lowest_loss_was_not_the_best_epoch_of_a_recorded_run(shared: Path) -> None:
    path = shared / "weights" / "pretrain-double.metrics.jsonl"
    if not path.is_file():
        pytest.skip(f"no {path.name}: recorded runs of others are not committed")
    epochs = [record for record in read_metrics(path) if record["kind"] == "validation"]
    # Recorded without kinds; the mean IoU of the SiamFC head was that of a box of the true size.
    groups = [{"video": {"true_size_iou": record["mean_iou"]}} for record in epochs]

    def best_by(select: str) -> int:
        best, value = 0, float("-inf")
        for record, figures in zip(epochs, groups, strict=True):
            choice = choose(select, record["loss"], figures, best_value=value)
            if choice.is_best:
                best, value = record["epoch"], choice.value
        return best

    assert best_by("loss") == 9
    assert best_by("place") == 21 == len(epochs)
    assert epochs[20]["auc"] > epochs[8]["auc"]


def test_sizes_cannot_select_a_head_that_has_none() -> None:
    with pytest.raises(ValueError, match="--select iou: the siamfc head predicts no size"):
        TrainConfig(select="iou")


def test_best_weights_are_those_of_the_selected_epoch_and_another_selection_is_refused(
    sample_shards: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    options = [*TINY, "--manifests", str(sample_shards / "vid" / "manifest.parquet")]
    options += ["--schedule.epochs", "3", "--out", str(folder)]
    train(options, log=tmp_path / "log")
    epochs = [each for each in read_metrics(folder / "metrics.jsonl") if "auc" in each]
    values = [record["figures"]["video"]["true_size_iou"] for record in epochs]
    best = max(range(3), key=lambda index: (values[index], index))
    assert [record["value"] for record in epochs] == values
    assert {record["select"] for record in epochs} == {"place"}
    assert best_validation(epochs) == epochs[best]
    saved = read_description(folder / "best.safetensors")["provenance"]
    assert saved["epoch"] == best + 1
    assert finish(start([*options, "--select", "loss"], log=tmp_path / "other")) == [1]
    said = (tmp_path / "other.0").read_text()
    assert "holds a run with other options (--select: 'auto' -> 'loss')" in said
