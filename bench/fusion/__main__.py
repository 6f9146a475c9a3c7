"""Do correlation-fusion modules help? Train each network from several seeds and compare.

    python -m bench.fusion
    python -m bench.fusion --root data/raw/coco --seeds 0 1 2 --steps 150

Small networks learn from the objects of real photographs (a raw COCO tree), each seed in the same
order. What counts is the step of take-off, the loss after it, and the share of unseen objects that
are located within 16 px. Every finished run is a line in ``--out``/runs.jsonl, and a repeated
command goes on after the last of its settings; 30 runs take about 20 minutes on one idle core. Ends
with ``curves.png`` and a table in Markdown.
"""

import itertools
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from bench.fusion.objects import StoredObject, make_batch, read_objects
from bench.fusion.report import WINDOW, Run, draw_curves, make_table
from commands.choices import one_of
from commands.run import run_command
from datasets.tracks import SourceError
from model.config import PRESETS
from model.heads import HEADS
from model.heads.base import Losses
from model.network import Network, build_model
from model.sizes import SEARCH_SIZE

_NEAR_PX = 16.0
_EVALUATION_SEED = 1_000_003
_MIDDLE = torch.tensor([[0.0, 0.0, SEARCH_SIZE, SEARCH_SIZE]])


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """What to train and how long."""

    root: str = "../shared/data/coco/tinycoco"
    """Raw COCO tree to take the objects from."""
    out: Path = Path("runs/fusion")
    """Folder for the runs, the curves and the table."""
    presets: tuple[str, ...] = ("baseline", "paper", "aligned")
    """Networks of `model.config.PRESETS`."""
    heads: tuple[Annotated[str, one_of(HEADS)], ...] = ("siamfc", "car")
    """Heads to train each of them with, from scratch."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Each decides the initial weights, the objects' order and the augmentation."""
    steps: int = 100
    """Steps of SGD a run, learning rate 0.01 and momentum 0.9 from the first."""
    batch_size: int = 8
    """Pairs a step."""
    width: float = 1 / 8
    """Width of the networks."""
    threads: int = 1
    """Threads of torch; equal numbers give equal losses."""

    def __post_init__(self) -> None:
        """Reject runs too short for a mean of losses."""
        if self.steps < WINDOW:
            raise ValueError(f"steps {self.steps}, expected at least {WINDOW}")


def compare(config: FusionConfig) -> None:
    """Train missing runs, then draw and print."""
    torch.set_num_threads(config.threads)
    seen, unseen = read_objects(config.root)
    config.out.mkdir(parents=True, exist_ok=True)
    log = config.out / "runs.jsonl"
    runs = _read_runs(log, _settings(config))
    done = {(run.head, run.preset, run.seed) for run in runs}
    for seed, head, preset in itertools.product(config.seeds, config.heads, config.presets):
        if (head, preset, seed) in done:
            continue
        run = train(config, head, preset, seed, seen, unseen)
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run._asdict()) + "\n")
        print(f"{head} {preset} seed {seed}: take-off {run.takeoff()}, located {run.located:.2f}")
        runs.append(run)
    draw_curves(runs, config.out / "curves.png")
    middle = f"Located by an answer that is always the middle: {locate(None, unseen):.3f}"
    table = f"{make_table(runs)}\n{middle}\n"
    (config.out / "table.md").write_text(table, encoding="utf-8")
    print(f"{len(seen)} objects, {len(unseen)} unseen; {config.out / 'curves.png'}\n\n{table}")


def train(
    config: FusionConfig,
    head: str,
    preset: str,
    seed: int,
    seen: Sequence[StoredObject],
    unseen: Sequence[StoredObject],
) -> Run:
    """Train one network from scratch and locate the unseen objects with it."""
    torch.manual_seed(seed)
    network = build_model(replace(PRESETS[preset], head=head, width=config.width)).train()
    optimizer = torch.optim.SGD(
        network.trainable_parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4
    )
    rng = np.random.default_rng(seed)
    losses: list[float] = []
    start = time.process_time()
    for step in range(config.steps):
        indices = rng.integers(len(seen), size=config.batch_size).tolist()
        first_pair = step * config.batch_size
        z, x, boxes_xyxy = make_batch(seen, indices, seed=seed, first_pair=first_pair)
        parts = _losses(network, z, x, boxes_xyxy)
        optimizer.zero_grad()
        torch.autograd.backward(parts["loss"])
        optimizer.step()
        # the part that both heads have: is this cell the target?
        losses.append(parts.get("classification", parts["loss"]).item())
        if not math.isfinite(losses[-1]):
            losses += [math.nan] * (config.steps - len(losses))
            break
    return Run(
        head=head,
        preset=preset,
        seed=seed,
        settings=_settings(config),
        losses=losses,
        located=locate(network.eval(), unseen),
        cpu_s_per_step=(time.process_time() - start) / config.steps,
    )


def locate(network: Network | None, objects: Sequence[StoredObject]) -> float:
    """Return the share of objects whose centre is found within 16 px; None answers the middle.

    The centre is the best cell's own location, or the middle of its box if the head predicts one
    (any cell in the target may be the best, as all of them are positive).
    """
    near = 0
    for first in range(0, len(objects), 16):
        part = range(first, min(first + 16, len(objects)))
        z, x, boxes_xyxy = make_batch(objects, part, seed=_EVALUATION_SEED, first_pair=first)
        with torch.no_grad():
            boxes = network.head.boxes(network(z, x), boxes_xyxy) if network else _MIDDLE
        near += int(((_centers(boxes) - _centers(boxes_xyxy)).norm(dim=1) <= _NEAR_PX).sum())
    return near / len(objects)


def _centers(boxes_xyxy: Tensor) -> Tensor:
    return (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2


def _losses(network: Network, z: Tensor, x: Tensor, boxes_xyxy: Tensor) -> Losses:
    positive = torch.ones(len(boxes_xyxy), dtype=torch.bool)
    return network.head.loss(network(z, x), network.head.targets(boxes_xyxy, positive))


def _settings(config: FusionConfig) -> dict[str, str | float]:
    """Return the settings that two comparable runs share."""
    names = ("root", "steps", "batch_size", "width", "threads")
    return {name: getattr(config, name) for name in names}


def _read_runs(log: Path, settings: dict[str, str | float]) -> list[Run]:
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines()
    runs = [Run(**json.loads(line)) for line in lines]
    return [run for run in runs if run.settings == settings]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    prog = "python -m bench.fusion"
    again = "finished runs stay, and the same command makes the others"
    return run_command(
        FusionConfig, compare, argv, prog=prog, errors=(SourceError,), after_ctrl_c=again
    )


if __name__ == "__main__":
    sys.exit(main())
