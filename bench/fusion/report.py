"""Curves and table of the runs of `bench.fusion`."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from commands.files import whole_file

WINDOW = 10
"""Consecutive losses that are averaged to find the take-off and to draw."""
_TAKEOFF_LOSS = 0.55  # a network that says nothing has log 2 = 0.69


class Run(NamedTuple):
    """One network trained from one seed."""

    head: str
    preset: str
    seed: int
    settings: dict[str, str | float]
    """What it shares with the runs that it is compared with."""
    losses: list[float]
    """Classification loss of each step; NaN after one that was not finite."""
    located: float
    """Share of unseen objects located within 16 px at the end."""
    cpu_s_per_step: float
    """Processor time of a step, data included."""

    def takeoff(self) -> int | None:
        """Return the first step at which the mean loss of the last 10 is below 0.55, if any."""
        below = np.flatnonzero(smooth(self.losses) < _TAKEOFF_LOSS)
        return int(below[0]) + WINDOW if below.size else None

    def final_loss(self) -> float:
        """Return the mean loss of the last fifth of the steps."""
        return statistics.fmean(self.losses[-max(1, len(self.losses) // 5) :])


def smooth(losses: Sequence[float]) -> NDArray[np.float64]:
    """Return the mean of each 10 consecutive losses."""
    return np.convolve(losses, np.full(WINDOW, 1 / WINDOW), mode="valid")


def make_table(runs: Sequence[Run]) -> str:
    """Return a Markdown table: one line a head and preset, medians with the range over seeds."""
    lines = [
        "| head | preset | seeds | take-off step | slowest | final loss | located | CPU s a step |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for head, preset in sorted({(run.head, run.preset) for run in runs}, reverse=True):
        group = [run for run in runs if (run.head, run.preset) == (head, preset)]
        steps = [run.takeoff() for run in group]
        known = [step for step in steps if step is not None]
        slowest = (
            str(max(known)) if len(known) == len(steps) else f"{len(steps) - len(known)} never"
        )
        cells = [
            head,
            f"`{preset}`",
            str(len(group)),
            f"{statistics.median(known):.0f}" if known else "never",
            slowest,
            _spread([run.final_loss() for run in group]),
            _spread([run.located for run in group]),
            f"{statistics.median(run.cpu_s_per_step for run in group):.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw_curves(runs: Sequence[Run], path: Path) -> None:
    """Draw one panel a head: each preset's mean smoothed loss, its range over seeds shaded."""
    heads = sorted({run.head for run in runs}, reverse=True)
    figure = Figure(figsize=(5.5 * len(heads), 4), layout="constrained")
    panels = figure.subplots(1, len(heads), squeeze=False)[0]
    for panel, head in zip(panels, heads, strict=True):
        for preset in sorted({run.preset for run in runs if run.head == head}):
            group = [run for run in runs if (run.head, run.preset) == (head, preset)]
            curves = np.stack([smooth(run.losses) for run in group])
            steps = np.arange(WINDOW, WINDOW + curves.shape[1])
            (line,) = panel.plot(steps, curves.mean(0), label=f"{preset} ({len(group)} seeds)")
            panel.fill_between(
                steps, curves.min(0), curves.max(0), color=line.get_color(), alpha=0.15
            )
        panel.axhline(_TAKEOFF_LOSS, color="gray", linewidth=0.8, linestyle=":")
        panel.set(title=f"head {head}", xlabel="step", ylabel="classification loss, mean of 10")
        panel.legend()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"
