"""The paper's Table III: four variants trained and evaluated with the same seed and data.

The command is ``python -m trainer.ablate``, whose file has its usage.
"""

import json
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from commands.choices import Device, Seed
from commands.pages.page import Section, Table, write_page
from commands.places import keep_inputs
from commands.provenance import describe_run
from commands.run import run_command
from datasets.files.lock import only_one
from datasets.tracks import SourceError
from examples.pass_on import run_and_pass_on
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifests
from model.weights import WeightsError, load_model
from trainer.config import TrainingError

PROG = "python -m trainer.ablate"

PAPER = {
    "baseline": ("Baseline", 0.612, 0.793, 106),
    "cf1": ("CF-1st", 0.633, 0.861, 57),
    "cf2": ("CF-2nd", 0.621, 0.850, 79),
    "double": ("CF-double", 0.659, 0.897, 39),
}
"""Variant to the paper's name, AUC, precision and FPS on OTB100 (Table III; an RTX 3090)."""


@dataclass(frozen=True, kw_only=True)
class AblateConfig:
    """Train and evaluate the four variants of the paper's Table III."""

    pretrain_manifests: tuple[str, ...]
    """Manifests of stage 1."""
    finetune_manifests: tuple[str, ...]
    """Manifests of stage 2."""
    root: str
    """Folder of OTB100, or of sequences laid out like it."""
    out: Path = Path("runs/ablation")
    """Folder of all runs, results and the table."""
    recipe: tuple[str, ...] = ()
    """Recipes on top of each stage's own, such as demo."""
    finetune: Literal["paper-finetune", "paper-finetune-aug"] = "paper-finetune"
    """Recipe of stage 2: as the paper's, or augmented."""
    variants: tuple[Literal["baseline", "cf1", "cf2", "double"], ...] = tuple(PAPER)  # type: ignore[arg-type]
    """Which variants to compare."""
    seed: Seed = 0
    """Seed of every run."""
    device: Device = "auto"
    """Device of training and tracking; auto takes a GPU if there is one."""


def ablate(config: AblateConfig) -> None:
    """Train, evaluate, and print and write the table.

    Raises:
        TrainingError: A step failed; its own output has the reason.
        ManifestError: A manifest cannot be used.
        SourceError: Another process is comparing variants in the same folder.
    """
    # unreadable inputs show before the training, not days after its start
    manifests = read_manifests((*config.pretrain_manifests, *config.finetune_manifests))
    inputs = [*(file for manifest in manifests for file in manifest.files()), config.root]
    parts = [config.out / name for name in ("static", *config.variants, "ablation.html")]
    keep_inputs(inputs, folders=[config.out], files=parts)
    with only_one(config.out, doing="comparing variants"):
        _compare(config, manifests)


def _compare(config: AblateConfig, manifests: list[Manifest]) -> None:
    evaluate(config, "static", "--tracker", "static")
    rows: list[tuple[str | float | None, ...]] = [
        ("a box that never moves", *measure(config, "static"), *[None] * 5)
    ]
    for variant in config.variants:
        weights = train_variant(config, variant)
        rows.append(measure_variant(config, variant, weights))
    table = Table(
        caption=f"Variants with seed {config.seed} on {config.root}, beside the paper's Table III",
        columns=(
            *("variant", "AUC", "precision", "FPS", "parameters (M)"),
            *("paper's AUC", "paper's precision", "paper's FPS"),
        ),
        rows=tuple(rows),
        digits=(3, 3, 0, 3, 3, 3, 0),
        higher_is_better=(True, True),
    )
    text = (
        "One seed: differences of a few hundredths are within what another seed changes. FPS is "
        "that of the median frame here, the paper's on an RTX 3090; its precision is at 20 px."
    )
    page = config.out / "ablation.html"
    section = Section(title="Table III", text=text, tables=(table,))
    write_page(str(page), "Ablation", [section], made_by=describe_run(PROG, config, manifests))
    print_table(table)
    print(page)


def train_variant(config: AblateConfig, variant: str) -> Path:
    """Train both stages of a variant and return the weights of the second."""
    folder = config.out / variant
    common: list[object] = [option for name in config.recipe for option in ("--recipe", name)]
    common += ["--model.variant", variant, "--seed", config.seed, "--device", config.device]
    run_module(
        "trainer.run",
        *("--recipe", "paper-pretrain", *common, "--out", folder / "pretrain"),
        *("--manifests", *config.pretrain_manifests),
    )
    run_module(
        "trainer.run",
        *("--recipe", config.finetune, *common, "--out", folder / "finetune"),
        *("--init-weights", folder / "pretrain" / "best.safetensors"),
        *("--manifests", *config.finetune_manifests),
    )
    return folder / "finetune" / "best.safetensors"


def measure_variant(
    config: AblateConfig, variant: str, weights: Path
) -> tuple[str | float | None, ...]:
    """Evaluate a variant's weights and return its row of the table."""
    evaluate(config, variant, "--weights", weights)
    times = config.out / variant / "results" / variant / "times"
    times_s = [np.loadtxt(path, ndmin=1) for path in times.iterdir()]
    fps = 1 / float(np.median(np.concatenate(times_s)))
    parameters = sum(tensor.numel() for tensor in load_model(weights).parameters()) / 1e6
    name, *printed = PAPER[variant]
    return (name, *measure(config, variant), fps, parameters, *printed)


def evaluate(config: AblateConfig, name: str, *tracker: object) -> None:
    """Track the benchmark's sequences and score the results."""
    folder = config.out / name
    run_module(
        "evaluation.run",
        *("--benchmark", "otb100", "--root", config.root, "--name", name, *tracker),
        *("--results", folder / "results", "--out", folder / "report"),
        *("--device", config.device),
    )


def measure(config: AblateConfig, name: str) -> tuple[float, float]:
    """Return AUC and precision at 20 px of an evaluated tracker."""
    path = config.out / name / "report" / "curves.json"
    total = json.loads(path.read_text(encoding="utf-8"))["trackers"][name]["total"]
    return total["auc"], total["precision_at_20_px"]


def run_module(module: str, *arguments: object) -> None:
    """Print a command, run it, and stop if it fails."""
    command = ["-m", module, *map(str, arguments)]
    print(f"$ python {shlex.join(command)}", flush=True)
    code, number = run_and_pass_on([sys.executable, *command])
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if number is not None:
        raise TrainingError(f"{module}: stopped by {signal.Signals(number).name}")
    if code != 0:
        raise TrainingError(f"{module}: stopped with an error, see above")


def print_table(table: Table) -> None:
    """Print the table as aligned text."""
    print(table.caption)
    print("  ".join([f"{table.columns[0]:>22}", *(f"{name:>17}" for name in table.columns[1:])]))
    for name, *values in table.rows:
        numbers = zip(values, table.digits, strict=True)
        texts = ("-" if value is None else f"{value:.{digits}f}" for value, digits in numbers)
        print("  ".join([f"{name:>22}", *(f"{text:>17}" for text in texts)]))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a step that failed, 2 a wrong option."""
    return run_command(
        AblateConfig,
        ablate,
        argv,
        prog=PROG,
        errors=(TrainingError, SourceError, WeightsError, ManifestError),
        after_ctrl_c="the same command goes on after the steps that are done",
    )
