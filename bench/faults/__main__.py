"""Run families of faults, and count losses and errors.

    python -m bench.faults --check
    python -m bench.faults --only all --scale 0.1 --check
    python -m bench.faults --only inputs:json --scale 1 --seed 7

With --scale 1 each family has its full number of trials; all of them take hours, the default less
than a minute. A failure leaves a file below --failures.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.faults.bad_store import bad_answers
from bench.faults.damaged.inputs import damaged_inputs
from bench.faults.family import Family, Outcome, Trials
from bench.faults.full_disks import full_disks
from bench.faults.kills import kills
from bench.faults.together import two_at_once
from bench.faults.wrong_options import wrong_command_lines
from bench.findings import BenchOptions, Target, show
from commands.run import run_command

PROG = "python -m bench.faults"

FAMILIES: Mapping[str, Family] = {
    "inputs": damaged_inputs,
    "options": wrong_command_lines,
    "store": bad_answers,
    "together": two_at_once,
    "disks": full_disks,
    "kills": kills,
}
"""By name; each is one file."""


@dataclass(frozen=True, kw_only=True)
class FaultsConfig(BenchOptions):
    """Run families of faults, and count losses and errors."""

    only: str = "inputs"
    """A family, a family and a part of the names of its rows ("inputs:json"), or "all"."""
    seed: int = 0
    """Of all random numbers."""
    scale: float = 0.05
    """Factor on the numbers of trials."""
    failures: Path = Path("build/faults")
    """Folder for files that show a failure."""

    def __post_init__(self) -> None:
        """Reject families that do not exist and numbers of trials below 0."""
        if self.only.partition(":")[0] not in {"all", *FAMILIES}:
            raise ValueError(f"--only {self.only}: expected all or one of {', '.join(FAMILIES)}")
        if not 0 < self.scale <= 1000:
            raise ValueError(f"--scale {self.scale}: expected above 0, up to 1000")


def run(config: FaultsConfig) -> int:
    """Run the families and print the table."""
    family, _, rows = config.only.partition(":")
    outcomes: list[Outcome] = []
    for name in FAMILIES if family == "all" else [family]:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            trials = Trials(
                seed=config.seed,
                scale=config.scale,
                folder=Path(folder),
                failures=config.failures / name,
                only=rows,
            )
            for outcome in FAMILIES[name](trials):
                outcomes.append(outcome)
                for note in outcome.notes:
                    print(f"{outcome.name}: {note}", file=sys.stderr, flush=True)
    targets = [
        Target(name=kind, value=float(number), unit="trials", target=0.0, at_most=True)
        for kind, number in (
            ("lost", sum(outcome.lost for outcome in outcomes)),
            ("wrong", sum(outcome.wrong for outcome in outcomes)),
        )
    ]
    return show([outcome.row(config.seed) for outcome in outcomes], targets, config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command(FaultsConfig, run, argv, prog=PROG)


if __name__ == "__main__":
    sys.exit(main())
