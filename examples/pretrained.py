"""The network that comes with the toolkit, from raw data to its table.

    python -m examples.pretrained --train data/raw/small --test data/raw/OTB100
    python -m examples.pretrained --train data/raw/small --test OTB100 --out data/mine --seed 1

Builds shards of ``<train>/vid`` and ``<train>/coco``, trains the recipes pretrain and small on
them, and tracks the sequences below --test with the network, OpenCV's trackers and a box that never
moves. Every step is a command that is printed first and goes on where it was stopped. ``--ship``
puts the weights into ``model/pretrained``.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.choices import Count, Seed
from commands.run import run_command
from examples.demo import DemoError, run
from model.weights import PRETRAINED, weights_files
from tracking.baselines import BASELINES

FOOTAGE = ("davis", "dtb70", "uav123", "uavdt")
"""Benchmarks whose footage the training set shows: the evaluator refuses to score on them."""


@dataclass(frozen=True, kw_only=True)
class PretrainedConfig:
    """Make the network that comes with the toolkit, and its table."""

    train: Path
    """Folder with the raw training data, in the layouts of VID (vid/) and COCO (coco/)."""
    test: tuple[Path, ...]
    """Folders with sequences in OTB's layout, none of them trained on."""
    out: Path = Path("data/pretrained")
    """Folder for shards, run, results and report."""
    seed: Seed = 0
    """Decides the initial weights and the pairs."""
    epochs: Count = 60
    """Epochs of 2,000 pairs."""
    threads: Count = 1
    """Threads of the training; another number rounds differently."""
    ship: bool = False
    """Replace the weights in model/pretrained by those of this run."""


def make(config: PretrainedConfig) -> None:
    """Build, train, evaluate, and ship if asked to."""
    out = config.out
    for source in ("vid", "coco"):
        run(
            *("datasets.build", "--src", source, "--root", config.train / source),
            *("--out", out / "shards" / source, "--margin", 64),
        )
    run(
        *("trainer.run", "--recipe", "pretrain", "--recipe", "small", "--seed", config.seed),
        *("--manifests", *(out / "shards" / each / "manifest.parquet" for each in ("vid", "coco"))),
        *("--schedule.epochs", config.epochs, "--out", out / "run"),
        *("--threads", config.threads, "--workers", 1, "--device", "cpu"),
    )
    weights = out / "run" / "best.safetensors"
    if config.ship:
        ship(weights)
    evaluate(config, weights)


def ship(weights: Path) -> None:
    """Copy weights to model/pretrained, and note what footage they have seen."""
    to, description = map(Path, weights_files(PRETRAINED))
    shutil.copyfile(weights, to)
    content = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    content["provenance"]["footage"] = list(FOOTAGE)
    description.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{to}: {to.stat().st_size / 1e6:.1f} MB")


def evaluate(config: PretrainedConfig, weights: Path) -> None:
    """Track all test sequences with every tracker at hand, and print the table."""
    sequences = config.out / "OTB"
    sequences.mkdir(exist_ok=True)
    for folder in config.test:
        for sequence in folder.iterdir():
            link = sequences / sequence.name
            if sequence.is_dir() and not link.exists():
                link.symlink_to(sequence.resolve())
    common = (
        "--root",
        sequences,
        "--results",
        config.out / "results",
        "--out",
        config.out / "report",
    )
    for name in BASELINES:
        run("evaluation.run", "--tracker", name, *common)
    run("evaluation.run", "--weights", weights, "--name", f"dcffnet-{config.seed}", *common)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a step that failed, 2 a wrong option."""
    prog = "python -m examples.pretrained"
    return run_command(PretrainedConfig, make, argv, prog=prog, errors=(DemoError,))


if __name__ == "__main__":
    sys.exit(main())
