"""The learning rate follows from the step alone."""

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


def test_each_phase_needs_a_rate() -> None:
    with pytest.raises(ValueError, match="has 2 phases and --schedule"):
        ScheduleConfig(epochs=(1, 2), rates=(0.1,))
