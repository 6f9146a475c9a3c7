"""Fine-tune the shipped network on the first half of a video, and track its second half.

    python -m examples.own_video
    python -m examples.own_video --root my_videos --videos park street --out data/mine

``--root`` is a folder of own footage, as ``datasets.build --src folders`` takes it; without it the
videos are made up. Each video gets a network of its own, which is compared on the second half with
the shipped one, those of the other videos, OpenCV's MIL and a box that never moves, and on the
second halves of the other videos with the shipped one: fine-tuning may forget. Half of the pairs
are therefore of other footage, ``--others`` or made-up videos. Every step is a command that is
printed first, and goes on where it was stopped.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commands.pages.page import Table
from commands.run import run_command
from datasets.files import RawFiles, open_root
from datasets.files.video_frames import VideoFrames
from datasets.frame_order import is_image
from datasets.sources.folders import list_parts, read_part
from datasets.tracks import SourceError, Track
from evaluation.presentation.tables import table_text
from examples.demo import DemoError, run
from manifests.table import read_manifest
from model.weights import PRETRAINED

SETTINGS = (
    *("--recipe", "finetune", "--recipe", "small", "--init-weights", PRETRAINED),
    # A video says little about edges and textures, and its statistics are narrow: the trunk
    # keeps the weights and the normalisation of the data that it was trained on.
    *("--trunk-rate", 0, "--schedule.rates", 1e-4),
    *("--data.pairs-per-epoch", 1000, "--data.val-pairs", 64),
    *("--workers", 1, "--threads", 1, "--device", "cpu"),
)
_NUM_PIECES = 5
"""Pieces of the first half; the build makes one of them the val split, which chooses the epoch."""
_SHORTEST = 40
"""Frames of the shortest video with enough in each piece."""


@dataclass(frozen=True, kw_only=True)
class OwnVideoConfig:
    """Fine-tune the shipped network on the first half of a video, and track its second half."""

    root: Path | None = None
    """Folder of own footage; without it the videos are made up."""
    videos: tuple[str, ...] = ()
    """Names of the videos to fine-tune on; empty takes all, of made-up ones the first two."""
    out: Path = Path("data/own-video")
    """Folder for halves, shards, runs, results and report."""
    seed: int = 0
    """Decides the made-up videos, and the pairs."""
    others: tuple[str, ...] = ()
    """Manifests of other footage for half of the pairs; made-up videos if empty."""
    epochs: int = 1
    """Epochs of 1,000 pairs."""


def compare(config: OwnVideoConfig) -> None:
    """Cut the videos, train a network per video, track, and print the table."""
    start = time.monotonic()
    out = config.out
    if config.root is None or not config.others:
        run("datasets.sample", "--out", out / "raw", "--seed", config.seed)
    others = config.others or (build(out, "vid", out / "raw" / "vid"),)
    names = write_halves(str(config.root or out / "raw" / "OTB100"), out)
    chosen = config.videos or tuple(names)[: None if config.root else 2]
    if unknown := set(chosen) - set(names):
        raise SourceError(f"--videos {min(unknown)}: expected some of {', '.join(names)}")
    for name in chosen:
        finetune(config, name, others)
    common = ("--root", out / "later", "--results", out / "results", "--out", out / "report")
    for tracker in ("static", "mil"):
        run("evaluation.run", "--tracker", tracker, *common)
    run("evaluation.run", "--weights", PRETRAINED, "--name", "shipped", *common)
    for name in chosen:
        weights = out / "runs" / f"{name}-{config.seed}" / "best.safetensors"
        run("evaluation.run", "--weights", weights, "--name", f"tuned on {name}", *common)
    print(f"\n{table_text(make_table(out, names, chosen))}")
    print(f"\nDone in {(time.monotonic() - start) / 60:.1f} minutes")


def write_halves(root: str, out: Path) -> dict[str, list[str]]:
    """Write the first halves as own footage, and the targets of the second ones in OTB's layout.

    Returns:
        Per video, the names of its targets in the second half.
    """
    files = VideoFrames(open_root(root))
    names: dict[str, list[str]] = {}
    for part in list_parts(files):
        tracks = list(read_part(files, part))
        video = part.rpartition("/")[2]
        by_number = {
            number: frame
            for track in tracks
            for number, frame in zip(track.frame_numbers.tolist(), track.frames, strict=True)
        }
        frames = sorted(by_number.items())
        if len(frames) < _SHORTEST:
            print(f"{video}: {len(frames)} frames, fewer than {_SHORTEST}, left out")
            continue
        middle = len(frames) // 2
        for number, piece in enumerate(np.array_split(np.arange(middle), _NUM_PIECES), start=1):
            folder = out / "first" / video / f"{video}-piece{number}"
            write_frames(files, [frames[index] for index in piece], folder, tracks)
        names[video] = []
        for track in tracks:
            seen = set(track.frame_numbers[track.visible].tolist())
            later = [index for index in range(middle, len(frames)) if frames[index][0] in seen]
            if len(later) >= _SHORTEST // 4:
                name = f"{track.name}-later"
                write_frames(files, frames[later[0] : later[-1] + 1], out / "later" / name, [track])
                names[video].append(name)
    if not names:
        raise SourceError(f"{root}: no video of {_SHORTEST} frames or more. Pass another --root")
    return names


def write_frames(
    files: RawFiles, frames: Sequence[tuple[int, str]], folder: Path, tracks: Sequence[Track]
) -> None:
    """Write numbered frames, and per target a file with a line ``x,y,w,h`` counted from 1 each."""
    images = folder / "img"
    images.mkdir(parents=True, exist_ok=True)
    for position, (_, frame) in enumerate(frames, start=1):
        suffix = Path(frame).suffix if is_image(frame) else ".png"
        (images / f"{position:06d}{suffix}").write_bytes(files.read(frame))
    for target, track in enumerate(tracks, start=1):
        rows = track.boxes_xywh + np.array([1, 1, 0, 0])
        rows[~track.visible] = np.nan
        by_number = dict(zip(track.frame_numbers.tolist(), rows, strict=True))
        lines = [by_number.get(number, np.full(4, np.nan)) for number, _ in frames]
        text = "".join(",".join(f"{value:.3f}" for value in line) + "\n" for line in lines)
        name = "groundtruth_rect.txt" if len(tracks) == 1 else f"groundtruth_{target}.txt"
        (folder / name).write_text(text, encoding="ascii")


def build(out: Path, source: str, root: Path, *options: object) -> str:
    """Build shards of a folder, and return their manifest."""
    shards = out / "shards" / root.name
    common = ("--src", source, "--root", root, "--out", shards, "--margin", 64)
    run("datasets.build", *common, *options)
    return str(shards / "manifest.parquet")


def finetune(config: OwnVideoConfig, name: str, others: Sequence[str]) -> None:
    """Build the first half of a video, and fine-tune the shipped network on it."""
    options = ("--name", "mine", "--val-fraction", 1 / _NUM_PIECES)
    mine = build(config.out, "folders", config.out / "first" / name, *options)
    sources = {read_manifest(manifest).metadata.source for manifest in others}
    weights = ",".join(["mine=1", *(f"{source}={1 / len(sources):.3g}" for source in sources)])
    run(
        "trainer.run",
        *(*SETTINGS, "--manifests", mine, *others, "--data.weights", weights),
        *("--schedule.epochs", config.epochs, "--seed", config.seed),
        *("--out", config.out / "runs" / f"{name}-{config.seed}"),
    )


def make_table(out: Path, names: Mapping[str, Sequence[str]], tuned: Sequence[str]) -> Table:
    """Return the success of all trackers on the second halves."""
    trackers = json.loads((out / "report" / "curves.json").read_text(encoding="utf-8"))["trackers"]

    def success(tracker: str, sequences: Sequence[str]) -> float | None:
        values = [trackers[tracker]["sequences"][name]["auc"] for name in sequences]
        return float(np.mean(values)) if values else None

    rows: list[tuple[str | float | None, ...]] = []
    for video in tuned:
        mine = f"tuned on {video}"
        others = [name for other in names if other != video for name in names[other]]
        control = [success(f"tuned on {other}", names[video]) for other in tuned if other != video]
        known = [value for value in control if value is not None]
        own = [success(tracker, names[video]) for tracker in ("shipped", mine)]
        own.append(float(np.mean(known)) if known else None)
        own += [success(tracker, names[video]) for tracker in ("static", "mil")]
        rows.append((video, *own, success("shipped", others), success(mine, others)))
    columns = (
        *("video", "shipped", "fine-tuned", "fine-tuned on another video"),
        *("box that never moves", "MIL", "shipped, other videos", "fine-tuned, other videos"),
    )
    return Table(
        caption="Success (AUC) on the second half of a video, of a network fine-tuned on its first",
        columns=columns,
        rows=tuple(rows),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a step that failed, 2 a wrong option."""
    prog = "python -m examples.own_video"
    return run_command(OwnVideoConfig, compare, argv, prog=prog, errors=(DemoError, SourceError))


if __name__ == "__main__":
    sys.exit(main())
