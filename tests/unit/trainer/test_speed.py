"""``auto`` takes what was measured to be faster on the device, and leaves other values alone."""

from typing import Any

import pytest
import torch
import tyro

from trainer.config import DataConfig, TrainConfig
from trainer.schedule import ScheduleConfig
from trainer.speed import LEAST_COMPILED_STEPS, choose_speed

LONG = {"data": DataConfig(pairs_per_epoch=LEAST_COMPILED_STEPS * 8), "batch_size": 8}
SHORT = {"data": DataConfig(pairs_per_epoch=80), "batch_size": 8}


def _chosen(device: str, **options: Any) -> tuple[Any, ...]:
    schedule = ScheduleConfig(epochs=(1,), rates=(0.01,))
    config = choose_speed(TrainConfig(schedule=schedule, **options), torch.device(device))
    return config.precision, config.channels_last, config.compile


def test_a_cpu_takes_none() -> None:
    assert _chosen("cpu", **LONG) == ("float32", False, False)


def test_a_gpu_takes_all_where_a_long_run_trains_the_whole_network() -> None:
    assert _chosen("cuda", **LONG) == ("bf16", True, True)
    assert _chosen("cuda", stage="finetune", trunk_rate=0.1, **LONG) == ("bf16", True, True)


def test_a_short_run_is_not_compiled() -> None:
    assert _chosen("cuda", **SHORT) == ("bf16", True, False)


def test_a_frozen_trunk_takes_bf16_alone() -> None:
    assert _chosen("cuda", stage="finetune", **LONG) == ("bf16", False, False)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_given_values_stay_and_nothing_is_said(
    device: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    given = {"precision": "float32", "channels_last": False, "compile": True}
    assert _chosen(device, **given, **LONG) == ("float32", False, True)
    assert not caplog.messages


def test_the_choice_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    _chosen("cpu", **SHORT)
    assert caplog.messages == [
        "auto on cpu: --precision float32 --channels-last False --compile False"
    ]


def test_command_lines_take_switches_and_auto() -> None:
    words = ["--channels-last", "True", "--compile", "auto", "--precision", "bf16"]
    config = tyro.cli(TrainConfig, args=words)
    assert (config.precision, config.channels_last, config.compile) == ("bf16", True, "auto")
