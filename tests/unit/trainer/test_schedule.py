"""The learning rate follows from the step alone."""

import itertools
import math
from typing import Any, Literal

import pytest

from trainer.schedule import ScheduleConfig, learning_rate, num_epochs

PAPER = ScheduleConfig(epochs=(150, 100, 50), rates=(0.01, 0.001, 0.0001))


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [(0, 0.01), (149, 0.01), (150, 0.001), (249, 0.001), (250, 1e-4), (299, 1e-4)],
)
def test_the_papers_phases_have_their_rates(epoch: int, rate: float) -> None:
    for step in (epoch * 739, epoch * 739 + 738):
        assert learning_rate(step, PAPER, steps_per_epoch=739) == rate


def test_shortened_phases_keep_their_order_and_at_least_one_epoch() -> None:
    short = ScheduleConfig(epochs=(150, 100, 50), rates=(0.01, 0.001, 0.0001), length_factor=0.005)
    assert num_epochs(short) == 3
    assert [learning_rate(step, short, steps_per_epoch=1) for step in range(3)] == [*short.rates]


def test_warm_up_rises_to_the_first_rate() -> None:
    schedule = ScheduleConfig(warmup_steps=4)
    rates = [learning_rate(step, schedule, steps_per_epoch=100) for step in range(6)]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])


def test_cosine_falls_from_the_rate_to_zero_over_all_epochs() -> None:
    schedule = ScheduleConfig(epochs=(20,), rates=(0.4,), shape="cosine")
    rates = [learning_rate(step, schedule, steps_per_epoch=5) for step in range(101)]
    assert rates[0] == 0.4
    assert rates[50] == pytest.approx(0.2)
    assert rates[100] == pytest.approx(0.0)
    assert all(later < earlier for earlier, later in itertools.pairwise(rates))
    assert rates[10] == pytest.approx(0.4 * math.cos(math.pi / 20) ** 2)


@pytest.mark.parametrize("shape", ["steps", "cosine"])
def test_warm_up_by_share_is_warm_up_by_that_many_steps(shape: Literal["steps", "cosine"]) -> None:
    phases = {"epochs": (2,), "rates": (0.1,), "shape": shape}
    by_share = ScheduleConfig(warmup_share=0.1, **phases)  # type: ignore[arg-type]
    by_steps = ScheduleConfig(warmup_steps=20, **phases)  # type: ignore[arg-type]
    without = ScheduleConfig(**phases)  # type: ignore[arg-type]
    for step in range(200):
        rate = learning_rate(step, by_share, steps_per_epoch=100)
        assert rate == learning_rate(step, by_steps, steps_per_epoch=100)
        plain = learning_rate(step, without, steps_per_epoch=100)
        assert rate == (plain if step >= 19 else plain * ((step + 1) / 20))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": "cosine", "epochs": (1, 2), "rates": (0.1, 0.2)}, "expected one phase"),
        ({"warmup_share": 1.0}, "--schedule.warmup-share 1.0"),
        ({"warmup_share": 0.1, "warmup_steps": 3}, "0 beside --schedule.warmup-steps"),
    ],
)
def test_schedules_that_contradict_themselves_are_rejected(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ScheduleConfig(**options)


def test_each_phase_needs_a_rate() -> None:
    with pytest.raises(ValueError, match="has 2 phases and --schedule"):
        ScheduleConfig(epochs=(1, 2), rates=(0.1,))
