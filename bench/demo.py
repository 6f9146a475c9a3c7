"""The whole path on generated data: raw frames, shards, both training stages, tracking, a report.

    python -m bench.demo
    python -m bench.demo --seed 1 --out data/demo-1

Every step is a command that is printed first, so that each can be repeated or changed by hand. A
demo that was stopped goes on where it was.
"""

import hashlib
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from datasets.box_files import read_box_file
from evaluation.benchmarks import open_benchmark
from evaluation.report import table_text
from evaluation.sequences import read_image, to_edges
from evaluation.session import evaluate_trackers
from manifests.cli import run_command
from model.network import build_model
from model.weights import load_model, save_weights
from tracking.baselines import BASELINES
from tracking.drawing import TRUTH, write_annotated_video
from tracking.tracker import BoxTracker, Tracker

SOURCES = ("vid", "coco", "uav123", "lasot")
FINETUNE_SOURCES = ("coco", "uav123", "lasot")


class DemoError(ValueError):
    """A step of the demo failed; it has said why itself."""


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """Run the whole path on generated data and say where to look."""

    out: Path = Path("data/demo")
    """Folder for everything that the demo makes."""
    seed: int = 0
    """Decides the world, the initial weights and the pairs."""


def demo(config: DemoConfig) -> None:
    """Run all steps, then print the table and the places to look at."""
    start = time.monotonic()
    out = config.out
    run("datasets.sample", "--out", out / "raw", "--seed", config.seed)
    build_shards(out)
    train(out, config.seed)
    table = evaluate(out, config.seed)
    print(f"\n{table}")
    print_places(out, minutes=(time.monotonic() - start) / 60)


def build_shards(out: Path) -> None:
    """Crop the four raw datasets and draw what came out."""
    for source in SOURCES:
        run(
            *("datasets.build", "--src", source, "--root", out / "raw" / source),
            *("--out", out / "shards" / source, "--margin", 32, "--workers", 2),
        )
        run("datasets.report", "--manifest", manifest(out, source))


def train(out: Path, seed: int) -> None:
    """Train the paper's two stages with the demo's narrow network."""
    run(
        *("trainer.run", "--recipe", "pretrain", "--recipe", "demo", "--seed", seed),
        *("--schedule.length-factor", 0.08),  # short pre-training loses targets; see decisions
        *("--manifests", manifest(out, "vid"), "--out", out / "pretrain"),
    )
    run(
        *("trainer.run", "--recipe", "finetune-aug", "--recipe", "demo", "--seed", seed),
        *("--data.weights", "coco=0.3,uav123=0.6,lasot=1"),
        *("--init-weights", out / "pretrain" / "best.safetensors"),
        *("--manifests", *(manifest(out, source) for source in FINETUNE_SOURCES)),
        *("--out", out / "finetune"),
    )


def evaluate(out: Path, seed: int) -> str:
    """Track the sequences that were never trained on and return the table of all trackers."""
    trained, untrained = out / "finetune" / "best.safetensors", out / "untrained.safetensors"
    torch.manual_seed(seed)
    network = build_model(load_model(str(trained)).config)
    save_weights(untrained, network, provenance={"trained": False})
    trackers: dict[str, Callable[[], BoxTracker]] = {
        "DCFFNet": lambda: Tracker(load_model(str(trained))),
        "DCFFNet, untrained": lambda: Tracker(load_model(str(untrained))),
        **{name: BASELINES[name] for name in BASELINES},
    }
    print("\nTrack the unseen sequences with every tracker at hand", flush=True)
    digests = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in (("DCFFNet", trained), ("DCFFNet, untrained", untrained))
    }
    _, table = evaluate_trackers(
        trackers,
        root=str(out / "raw" / "OTB100"),
        results=out / "results" / digests["DCFFNet"][:12],
        out=out / "report",
        identities=digests,
    )
    film(out, "DCFFNet", out / "results" / digests["DCFFNet"][:12])
    return table_text(table)


def film(out: Path, tracker: str, results: Path) -> None:
    """Write the video of all test sequences with the tracker's boxes and the true ones."""
    benchmark = open_benchmark("otb100", str(out / "raw" / "OTB100"))
    frames, found, true = [], [], []
    for sequence in benchmark.sequences:
        frames += [read_image(benchmark.files, name) for name in sequence.frames]
        boxes = read_box_file(results / tracker / f"{sequence.name}.txt")
        found += [to_edges(box) for box in boxes]
        true += [to_edges(box) for box in sequence.truth]
    boxes_xywh = {TRUTH: np.array(true), tracker: np.array(found)}
    write_annotated_video(out / "tracked.mp4", frames, boxes_xywh)


def manifest(out: Path, source: str) -> Path:
    """Return where the manifest of a source is."""
    return out / "shards" / source / "manifest.parquet"


def run(module: str, *arguments: object) -> None:
    """Print a command, run it, and stop the demo if it fails."""
    command = ["-m", module, *map(str, arguments)]
    print(f"\n$ python {shlex.join(command)}", flush=True)
    if subprocess.run([sys.executable, *command], check=False).returncode != 0:
        raise DemoError(f"{module}: stopped with an error, see above")


def print_places(out: Path, *, minutes: float) -> None:
    """Print where to look."""
    places = {
        "shards and manifests": out / "shards",
        "crops with boxes": out / "shards" / "lasot" / "crops.png",
        "loss and accuracy": out / "finetune" / "curves.png",
        "tracked video": out / "tracked.mp4",
        "benchmark report": out / "report" / "report.html",
    }
    print(f"\nDone in {minutes:.1f} minutes. Where to look:")
    for what, path in places.items():
        print(f"  {what:<22}{path}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a step that failed, 2 a wrong option."""
    again = "the same command goes on after the steps that are done"
    return run_command(
        DemoConfig,
        demo,
        argv,
        prog="python -m bench.demo",
        errors=(DemoError,),
        after_ctrl_c=again,
    )


if __name__ == "__main__":
    sys.exit(main())
