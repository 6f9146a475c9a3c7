"""The network that comes with the toolkit, from raw data to its table.

    python -m examples.pretrained --train data/raw/small --test data/raw/OTB100
    python -m examples.pretrained --train data/raw/small --more data/raw/more --test OTB100 --ship

Builds shards of ``<train>/vid`` and ``<train>/coco`` and trains the recipes pretrain and small on
them. With --more a second round goes on from there, with the sources of that folder added, a lower
rate and a moving average of the weights; validation stays that of the first round. Then the
sequences below --test are tracked with the network, OpenCV's trackers and a box that never moves.
Every step is a command that is printed first and goes on where it was stopped. ``--ship`` puts the
weights into ``model/pretrained``.
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


SHARES = {"vid": 1.0, "coco": 1.0, "uav123": 0.04, "mot": 0.08, "got10k": 0.02, "davis": 0.02}
"""Shares of the sources in the second round; those of few videos by their number of tracks."""


@dataclass(frozen=True, kw_only=True)
class PretrainedConfig:
    """Make the network that comes with the toolkit, and its table."""

    train: Path
    """Folder with the raw training data, in the layouts of VID (vid/) and COCO (coco/)."""
    test: tuple[Path, ...]
    """Folders with sequences in OTB's layout, none of them trained on."""
    more: Path | None = None
    """Folder with a folder per further source, such as vid, mot and davis; adds a second round."""
    out: Path = Path("data/pretrained")
    """Folder for shards, run, results and report."""
    seed: Seed = 0
    """Decides the initial weights and the pairs."""
    epochs: Count = 60
    """Epochs of 2,000 pairs per round."""
    threads: Count = 1
    """Threads of the training; another number rounds differently."""
    ship: bool = False
    """Replace the weights in model/pretrained by those of this run."""


def make(config: PretrainedConfig) -> None:
    """Build, train, evaluate, and ship if asked to."""
    manifests = [build(config, config.train, source) for source in ("vid", "coco")]
    weights = train(config, "first", manifests, "--seed", config.seed)
    if config.more is not None:
        sources = [source for source in SHARES if (config.more / source).is_dir()]
        manifests += [build(config, config.more, source) for source in sources]
        known = {"vid", "coco", *sources}
        shares = ",".join(f"{source}={SHARES[source]}" for source in SHARES if source in known)
        weights = train(
            config,
            "second",
            manifests,
            *("--init-weights", weights, "--seed", config.seed + 10, "--ema", 0.999),
            *("--schedule.rates", 0.0007, "--data.weights", shares),
            *("--data.where", "source <> 'uav123' or split <> 'val'"),
        )
    if config.ship:
        ship(weights)
    evaluate(config, weights)


def build(config: PretrainedConfig, raw: Path, source: str) -> Path:
    """Build the shards of a source and return their manifest."""
    out = config.out / "shards" / f"{raw.name}-{source}"
    run(
        *("datasets.build", "--src", source, "--root", raw / source),
        *("--out", out, "--margin", 64),
    )
    return out / "manifest.parquet"


def train(config: PretrainedConfig, name: str, manifests: Sequence[Path], *options: object) -> Path:
    """Train a round and return its best weights."""
    run(
        "trainer.run",
        *("--recipe", "pretrain", "--recipe", "small", *options),
        *("--manifests", *manifests, "--schedule.epochs", config.epochs),
        *("--out", config.out / name, "--threads", config.threads),
        *("--workers", 1, "--device", "cpu"),
    )
    return config.out / name / "best.safetensors"


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
