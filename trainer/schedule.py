"""The learning rate: a pure function of the step, so that resuming has nothing to restore."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Phases of a stage, one entry per phase, and the settings of the optimizer."""

    epochs: tuple[int, ...] = (150,)
    """Length of each phase in epochs."""
    rates: tuple[float, ...] = (0.01,)
    """Learning rate of each phase."""
    shape: Literal["steps", "cosine"] = "steps"
    """steps keeps the rate of a phase to its end; cosine is one phase whose rate falls to 0."""
    length_factor: float = 1.0
    """Factor on the length of every phase (rounded, at least one epoch); trials shorten with it."""
    warmup_steps: int = 0
    """Steps at the start over which the rate rises linearly to that of the first phase."""
    warmup_share: float = 0.0
    """The same as a share of all steps, such as 0.03; give one of the two."""
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        """Reject phases that do not match their rates."""
        if not self.epochs or len(self.epochs) != len(self.rates):
            raise ValueError(
                f"--schedule.epochs has {len(self.epochs)} phases and --schedule.rates "
                f"{len(self.rates)}. Give one rate per phase"
            )
        if self.shape == "cosine" and len(self.epochs) > 1:
            raise ValueError(
                f"--schedule.shape cosine: expected one phase, --schedule.epochs has "
                f"{len(self.epochs)}. Give --schedule.epochs and --schedule.rates one number each"
            )
        if not 0 <= self.warmup_share < 1 or (self.warmup_share and self.warmup_steps):
            raise ValueError(
                f"--schedule.warmup-share {self.warmup_share}: expected 0 or more and below 1, and "
                "0 beside --schedule.warmup-steps"
            )
        positive = (*self.epochs, *self.rates, self.length_factor)
        if not all(0 < number < math.inf for number in positive):
            raise ValueError(
                f"--schedule.epochs {self.epochs}, --schedule.rates {self.rates}, "
                f"--schedule.length-factor {self.length_factor}: expected positive numbers"
            )
        is_finite = 0 <= self.weight_decay < math.inf  # NaN is not
        if self.warmup_steps < 0 or not is_finite or not 0 <= self.momentum < 1:
            raise ValueError(
                f"--schedule.warmup-steps {self.warmup_steps}, --schedule.weight-decay "
                f"{self.weight_decay}, --schedule.momentum {self.momentum}: expected 0 or more, "
                "and a momentum below 1"
            )


def phase_lengths(schedule: ScheduleConfig) -> tuple[int, ...]:
    """Return the epochs of each phase, after `length_factor`."""
    return tuple(max(1, round(schedule.length_factor * epochs)) for epochs in schedule.epochs)


def num_epochs(schedule: ScheduleConfig) -> int:
    """Return the epochs of all phases together."""
    return sum(phase_lengths(schedule))


def phase_of(epoch: int, schedule: ScheduleConfig) -> int:
    """Return the phase that an epoch belongs to; past the end, the last one."""
    for phase, length in enumerate(phase_lengths(schedule)):
        if epoch < length:
            return phase
        epoch -= length
    return len(schedule.epochs) - 1


def learning_rate(step: int, schedule: ScheduleConfig, *, steps_per_epoch: int) -> float:
    """Return the learning rate of a step, counted from 0 at the start of the stage."""
    rate = schedule.rates[phase_of(step // steps_per_epoch, schedule)]
    total_steps = num_epochs(schedule) * steps_per_epoch
    if schedule.shape == "cosine":
        rate *= (1 + math.cos(math.pi * min(step / total_steps, 1.0))) / 2
    warmup = schedule.warmup_steps or schedule.warmup_share * total_steps
    if step + 1 < warmup:
        rate *= (step + 1) / warmup
    return rate
