"""Small made-up data and commands for trials, and digests of their outputs."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bench.faults.calling import call
from datasets.files.output import Output
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tests.support.crops import MadeTrack, write_crops

ROOT = Path(__file__).resolve().parents[2]
TINY_RUN = (
    *("--recipe", "siamfc", "--model.width", "0.02", "--batch-size", "4", "--threads", "1"),
    *("--schedule.epochs", "2", "--data.pairs-per-epoch", "40", "--data.val-pairs", "8"),
    *("--workers", "0", "--tensorboard", "False", "--device", "cpu"),
)
"""Options of a training of 20 steps."""


class World:
    """Raw data, shards and weights below a folder, made once."""

    def __init__(self, folder: Path) -> None:
        self.raw = folder / "world"
        self.crops = folder / "crops"
        self.weights = folder / "w.safetensors"
        call("datasets.sample", ["--out", str(self.raw), "--scale", "tiny"])
        tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4)) for i in range(12)]
        tracks += [MadeTrack(name="held", video="held", frames=range(8), split="val")]
        write_crops(self.crops, tracks, tracks_per_shard=2)
        save_weights(
            self.weights,
            build_model(ModelConfig(width=0.02, backbone="alexnet", variant="baseline")),
            provenance={"manifests": [], "options": {}},
        )

        run = ["--out", str(folder / "run"), "--schedule.epochs", "1"]
        call("trainer.run", ["--manifests", f"{self.crops}/manifest.parquet", *TINY_RUN, *run])
        self.run = folder / "run"

    def build(self, root: str, out: str) -> list[str]:
        """Return a build into several small shards."""
        options = ["--src", "uav123", "--root", root, "--out", out, "--shard-mb", "0.1"]
        return ["datasets.build", *options]

    def train(self, manifest: str, out: Path) -> list[str]:
        """Return a short training."""
        return ["trainer.run", *TINY_RUN, "--manifests", manifest, "--out", str(out)]

    def evaluate(self, root: str, out: Path) -> list[str]:
        """Return an evaluation of the weights."""
        options = ["--root", root, "--weights", str(self.weights), "--device", "cpu"]
        return ["evaluation.run", *options, "--results", f"{out}/results", "--out", f"{out}/report"]

    def writers(self, out: Path) -> dict[str, list[str]]:
        """Return, by name, a call of each command that writes."""
        manifest, otb = str(self.crops / "manifest.parquet"), self.raw / "OTB100"
        weights, given = ["--weights", str(self.weights)], ["--manifests", manifest]
        sql = "SELECT track, frame FROM crops ORDER BY track, frame"
        tune = ["--src", "uav123", "--root", str(self.raw / "uav123"), "--val-fraction", "0.5"]
        return {
            "sample": ["datasets.sample", "--out", f"{out}/world", "--scale", "tiny"],
            "build": self.build(str(self.raw / "uav123"), str(out)),
            "report": ["datasets.report", *given, "--out", f"{out}/page.html"],
            "query": ["manifests.query", sql, *given, "--out", f"{out}/answer.csv"],
            "preview": [
                "sampling.preview",
                *given,
                "--num-pairs",
                "4",
                "--out",
                f"{out}/page.html",
            ],
            "train": self.train(manifest, out),
            "run report": ["trainer.report", "--run", str(self.run), "--out", f"{out}/page.html"],
            "evaluate": self.evaluate(str(otb), out),
            "track": [
                *("tracking.run", *weights, "--video", str(otb / "Made1/img"), "--max-frames", "5"),
                *("--box", "20,20,30,30", "--out", f"{out}/video.mp4"),
            ],
            "tune": [
                *("evaluation.tune", *weights, *tune, "--tracks", "1", "--frames", "2"),
                *("--trials", "2", "--out", str(out)),
            ],
        }


STABLE = (".tar", ".parquet", ".csv", ".safetensors", ".txt", ".jpg", ".JPEG", ".xml")
"""Suffixes of files with the same bytes after each run of a command."""


def start(command: list[str], folder: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start a command in a process of its own, within a folder that is made for it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]", *, seconds: float = 600) -> tuple[int | None, str]:
    """Return exit code and stderr of a command; None for one that hangs, which is killed."""
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
        return None, errors
    return process.returncode, errors


def digests(place: str | Path, suffixes: tuple[str, ...] = STABLE) -> dict[str, str]:
    """Return the SHA-256 of the files below a folder or URL; empty for those of other suffixes.

    Times of trackers differ from run to run, and so do progress and locks.
    """
    output = Output(str(place))
    return {
        name: hashlib.sha256(output.read(name)).hexdigest()
        if name.endswith(suffixes) and "_time" not in name
        else ""
        for name in output.sizes()
    }


def leftovers(folder: Path) -> list[str]:
    """Return unfinished files below a folder."""
    return sorted(path.name for path in folder.rglob(".*tmp*"))


def last_line(errors: str) -> str:
    """Return the last line of a command's errors."""
    return errors.strip().splitlines()[-1][:300] if errors.strip() else "nothing said"
