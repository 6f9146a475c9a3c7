"""The whole path on generated data: the shipped network tracks, then learns the data, and a report.

    python -m examples.demo
    python -m examples.demo --seed 1 --out data/demo-1

Every step is a command that is printed first, so that each can be repeated or changed by hand. A
demo that was stopped goes on where it was.
"""

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from commands.choices import Seed
from commands.run import run_command
from datasets.box_files import read_box_file
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.run import RunConfig, track_missing
from evaluation.run import run as run_evaluation
from evaluation.sequences import read_image, to_edges
from model.network import build_model
from model.weights import PRETRAINED, load_model, read_description, save_weights
from tracking.baselines import BASELINES
from tracking.drawing import TRUTH, colors_of, draw_boxes
from tracking.video_writer import VideoWriter

SOURCES = ("vid", "coco", "uav123", "lasot")


class DemoError(ValueError):
    """A step of the demo failed; it has said why itself."""


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """Run the whole path on generated data and say where to look."""

    out: Path = Path("data/demo")
    """Folder for everything that the demo makes."""
    seed: Seed = 0
    """Decides the world, the initial weights and the pairs."""


def demo(config: DemoConfig) -> None:
    """Run all steps, then print the table and the places to look at."""
    start = time.monotonic()
    out = config.out
    run("datasets.sample", "--out", out / "raw", "--seed", config.seed)
    track_first(out)
    build_shards(out)
    finetune(out, config.seed)
    evaluate(out, config.seed)
    print_places(out, minutes=(time.monotonic() - start) / 60)


def track_first(out: Path) -> None:
    """Track a sequence of moving photographs with the network that comes with the toolkit."""
    root = out / "raw" / "OTB100"
    sequence = open_benchmark("otb100", str(root)).sequences[0]
    folder = (root / sequence.frames[0]).parent
    box = ",".join(f"{value:g}" for value in to_edges(sequence.truth[0]))
    run("tracking.run", "--video", folder, "--box", box, "--out", out / "first.mp4")


def build_shards(out: Path) -> None:
    """Crop the four raw datasets and draw what came out."""
    for source in SOURCES:
        run(
            *("datasets.build", "--src", source, "--root", out / "raw" / source),
            *("--out", out / "shards" / source, "--margin", 64, "--workers", 2),
        )
        run("datasets.report", "--manifests", manifest(out, source))


def finetune(out: Path, seed: int) -> None:
    """Teach the shipped network the made-up world."""
    run(
        *("trainer.run", "--recipe", "finetune", "--recipe", "small", "--recipe", "demo"),
        *("--init-weights", PRETRAINED, "--seed", seed, "--data.pairs-per-epoch", 4000),
        *("--schedule.epochs", 1, "--schedule.length-factor", 1),
        *("--manifests", *(manifest(out, source) for source in SOURCES)),
        *("--out", out / "finetune"),
    )


def evaluate(out: Path, seed: int) -> None:
    """Track the sequences that were never trained on and print the table of all trackers."""
    tuned, untrained = out / "finetune" / "best.safetensors", out / "untrained.safetensors"
    torch.manual_seed(seed)
    network = build_model(load_model(PRETRAINED).config)
    save_weights(untrained, network, provenance={"trained": False})
    results = out / "results" / read_description(str(tuned))["sha256"][:12]
    report = RunConfig(
        root=str(out / "raw" / "OTB100"), results=str(results), out=str(out / "report")
    )
    print("\nTrack the unseen sequences with every tracker at hand", flush=True)
    trackers = [
        replace(report, weights=str(tuned), name="DCFFNet"),
        replace(report, weights=PRETRAINED, name="DCFFNet as it comes"),
        replace(report, weights=str(untrained), name="DCFFNet untrained"),
        *(replace(report, tracker=name) for name in BASELINES),
    ]
    benchmark = open_benchmark("otb100", str(out / "raw" / "OTB100"))
    for config in trackers:
        track_missing(config, benchmark, results)
    print(flush=True)
    run_evaluation(report)
    film(out, "DCFFNet", results)


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
    colors = colors_of(boxes_xywh)
    with VideoWriter(out / "tracked.mp4", fps=25) as writer:
        for index, frame in enumerate(frames):
            here = {label: boxes[index] for label, boxes in boxes_xywh.items()}
            writer.write(draw_boxes(frame, here, colors=colors, caption=f"frame {index}"))


def manifest(out: Path, source: str) -> Path:
    """Return the path of a source's manifest."""
    return out / "shards" / source / "manifest.parquet"


def run(module: str, *arguments: object) -> None:
    """Print a command, run it, and stop the demo if it fails."""
    command = ["-m", module, *map(str, arguments)]
    print(f"\n$ python {shlex.join(command)}", flush=True)
    if subprocess.run([sys.executable, *command], check=False).returncode != 0:
        raise DemoError(f"{module}: stopped with an error, see above")


def print_places(out: Path, *, minutes: float) -> None:
    """Print the paths of the results."""
    places = {
        "shards and manifests": out / "shards",
        "crops with boxes": out / "shards" / "lasot" / "crops.png",
        "the first sequence": out / "first.mp4",
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
        prog="python -m examples.demo",
        errors=(DemoError,),
        after_ctrl_c=again,
    )


if __name__ == "__main__":
    sys.exit(main())
