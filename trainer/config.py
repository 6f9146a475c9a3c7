"""The options of a run: frozen dataclasses, written as JSON into the run's folder."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import tyro

from commands.choices import Count, Device, Natural, Seed
from manifests.table import Manifest
from model.config import ModelConfig
from model.heads import HEADS
from sampling.augment import AugmentSettings
from sampling.plan import PairSettings
from trainer.schedule import ScheduleConfig


class TrainingError(ValueError):
    """A run cannot start or go on; the message has the reason and the remedy."""


def parse_weights(text: str) -> Mapping[str, float]:
    """Return the weights of sources in a text such as ``vid=1,coco=0.5``.

    Raises:
        ValueError: It is not of the form ``name=number,name=number``.
    """
    weights = {}
    for entry in filter(None, text.split(",")):
        name, _, number = entry.partition("=")
        if not name or not re.fullmatch(r"\d*\.?\d+", number):
            raise ValueError(f"{text!r}: {entry!r} is no weight, expected such as vid=1,coco=0.5")
        weights[name] = float(number)
    return weights


_WEIGHTS = tyro.constructors.PrimitiveConstructorSpec[Mapping[str, float]](
    nargs=1,
    metavar="NAME=NUMBER,...",
    instance_from_str=lambda texts: parse_weights(texts[0]),
    is_instance=lambda value: isinstance(value, Mapping),
    str_from_instance=lambda weights: [",".join(f"{name}={w}" for name, w in weights.items())],
)

VALIDATION_AUGMENT = AugmentSettings(
    gray=0.0, flip=0.0, template_translate_px=0.0, template_scale=0.0
)
"""Stored crops have the target in the middle: unmoved, guessing the middle would score best."""


@dataclass(frozen=True, kw_only=True)
class DataConfig(PairSettings):
    """Training pairs, and the number of validation pairs."""

    where: str | None = None
    """SQL condition on the manifests' columns, such as "category <> 'person'"."""
    weights: Annotated[Mapping[str, float], _WEIGHTS] = field(default_factory=dict)
    """Share of each source in the pairs, such as "vid=1,coco=0.5"; one not named weighs 1."""
    access: Literal["random", "stream"] = "random"
    """random reads single crops, of remote shards from copies in a cache; stream reads whole shards
    in sequence and keeps nothing on disk."""
    val_pairs: Count = 5_000
    """Pairs of the val split in each validation; always the same ones."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Train one stage of a tracker.

    Recipes, files in trainer/recipes, hold settings. Options override them:
    - pretrain, finetune: to start with
    - paper-pretrain, paper-finetune, paper-finetune-aug, siamfc: as published
    - small, demo: after another recipe, to make it small
    """

    recipe: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Recipe by name, or the path of a TOML file; repeat to stack them."""
    manifests: tuple[str, ...] = ()
    """Path or URL of each manifest to draw from."""
    out: Path | None = None
    """Folder of the run; by default runs/ and the recipes' names."""
    init_weights: str | None = None
    """Weights that this run starts from: the backbone, and the head where both have the same one;
    "pretrained" are those that come along."""
    stage: Literal["pretrain", "finetune"] = "pretrain"
    """pretrain trains everything; finetune conv5, conv6 and the head, the rest stays frozen."""
    trunk_rate: float = 0.0
    """Factor on the learning rate of the rest, the trunk, in stage finetune: 0 is the paper's, all
    of it frozen, BatchNorm in evaluation mode; above 0 it trains, BatchNorm in training mode."""
    seed: Seed = 0
    """Seed of the initial weights, the pairs and their augmentation."""
    batch_size: int = 72
    """Pairs per step, over all processes together."""
    center_ratio: float = 1.0
    """Share of the target, around its centre, whose cells are positive for the CAR head: 1 is the
    paper's whole box, 0.4 SiamCAR's code."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    select: Literal["auto", "loss", "iou", "place", "center"] = "auto"
    """Criterion of best.safetensors on the val pairs: iou, the mean of the IoU on video and on
    stills; place, the IoU of a box of the true size on video; center, the centre error on video;
    loss. auto is iou for a head that predicts sizes, such as car, and place for the others."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """adamw takes the momentum for its first beta, and decays no biases and BatchNorm weights."""
    clip_norm: float = 0.0
    """Largest norm of the global gradient; longer ones are scaled down to it. 0 is off."""
    ema: float = 0.0
    """Decay of the moving average of the weights, such as 0.999, which is then validated and
    saved in place of the last step's weights. 0 is off."""
    sync_batchnorm: bool = True
    """Normalise by the global batch; off, each process by its own slice (other curves)."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """bf16 computes under autocast; correlations, losses and weights stay in float32. auto is bf16
    on a GPU."""
    channels_last: bool | Literal["auto"] = "auto"
    """Keep images and weights with the channels innermost. auto does on a GPU, but for a frozen
    trunk."""
    compile: bool | Literal["auto"] = "auto"
    """Run the network through torch.compile. auto does on a GPU, but for a frozen trunk, in runs
    that are long enough to pay for a minute of compiling."""
    checkpoint_steps: Natural = 1000
    """Steps between checkpoints within an epoch, the most that a hard kill or a power failure
    costs; 0 saves after each epoch only."""
    keep: Count = 3
    """Newest checkpoints to keep; the best weights are kept besides."""
    device: Device = "auto"
    """Device of the network; auto takes a GPU if there is one."""
    workers: Natural = 2
    """Loader processes of each rank; 0 loads in the training process."""
    max_bad_samples: Natural = 0
    """Unreadable crops allowed per epoch and rank; each is logged and replaced."""
    threads: Natural = 0
    """CPU threads of each rank for the network; 0 leaves the choice to torch."""
    tensorboard: bool = True
    """Write scalars and example pairs for TensorBoard into the run's folder."""
    wandb: bool = False
    """Log the same to Weights & Biases; its package wandb has to be installed."""

    def settings_of(
        self, split: str, manifests: Sequence[Manifest]
    ) -> tuple[PairSettings, AugmentSettings]:
        """Return the pairs to draw of a split, and their augmentation.

        Weights of sources without crops in the split are left out: a small source has no val split.
        """
        rows = pl.concat([manifest.rows.select("source", "split") for manifest in manifests])
        present = rows.filter(pl.col("split") == split)["source"].unique()
        absent = set(rows["source"].unique()) - set(present)
        weights = {name: w for name, w in self.data.weights.items() if name not in absent}
        if split == "train":
            return replace(self.data, weights=weights), self.augment
        pairs = replace(
            self.data, weights=weights, pairs_per_epoch=self.data.val_pairs, negative_ratio=0.0
        )
        return pairs, VALIDATION_AUGMENT

    def __post_init__(self) -> None:
        """Reject settings that cannot work."""
        if self.batch_size < 1 or self.batch_size > self.data.pairs_per_epoch:
            raise ValueError(
                f"--batch-size {self.batch_size}: expected 1 to --data.pairs-per-epoch "
                f"({self.data.pairs_per_epoch})"
            )
        if not 0 < self.center_ratio <= 1:
            raise ValueError(f"--center-ratio {self.center_ratio}: expected above 0 and up to 1")
        if self.select == "iou" and not HEADS[self.model.head].has_size:
            raise ValueError(
                f"--select iou: the {self.model.head} head predicts no size. Take place, center or "
                "loss"
            )
        if self.stage == "finetune" and self.model.backbone != "dcffnet":
            raise ValueError(
                f"--stage finetune: backbone {self.model.backbone!r} has no trunk to freeze. Take "
                "--model.backbone dcffnet"
            )
        if not 0 <= self.trunk_rate < math.inf or (self.trunk_rate and self.stage != "finetune"):
            raise ValueError(
                f"--trunk-rate {self.trunk_rate}: expected 0 or more, and above 0 only in --stage "
                "finetune"
            )
        if not 0 <= self.ema < 1 or not 0 <= self.clip_norm < math.inf:
            raise ValueError(
                f"--ema {self.ema}, --clip-norm {self.clip_norm}: expected 0 or more, and an "
                "average below 1"
            )
        if self.out is not None and self.out.parts[:1] in {("s3:",), ("gs:",), ("file:",)}:
            raise ValueError(
                f"--out {self.out}: not a folder. A run is renamed and flushed file by file; give "
                "a folder that all nodes share, and copy it to a bucket afterwards"
            )


MAY_CHANGE = frozenset(
    {"out", "recipe", "manifests", "init_weights", "device", "workers", "threads"}
    | {"tensorboard", "wandb", "keep", "checkpoint_steps", "max_bad_samples"}
)
"""Options that may differ when a run resumes: they do not decide the result. (Manifests and initial
weights may move; their checksums are compared.)"""


def run_folder(config: TrainConfig) -> Path:
    """Return the folder of a run."""
    return config.out or Path("runs") / ("-".join(config.recipe) or config.stage)


def as_json(config: TrainConfig) -> dict[str, Any]:
    """Return the configuration as plain values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    return plain


def changed_options(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the options that decide the result and differ, as ``--name: before -> now``."""
    old, new = dict(_flatten(before)), dict(_flatten(now))
    return [
        f"--{name.replace('_', '-')}: {old.get(name)!r} -> {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name.split(".")[0] not in MAY_CHANGE
    ]


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in table.items():
        flat += (
            _flatten(value, f"{prefix}{key}.")
            if isinstance(value, dict)
            else [(prefix + key, value)]
        )
    return flat
