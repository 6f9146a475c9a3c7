"""From a configuration to the parts of the loop: manifests, batches, network, optimizer."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from commands.places import keep_inputs, require_utf8
from commands.safe_text import all_without_secrets
from manifests.table import Manifest, read_manifests
from model.network import build_model
from model.weights import load_start, read_description, weights_files
from sampling.batch import PairBatch
from sampling.loader import PairLoader
from sampling.pair_index import pair_sources
from trainer.config import TrainConfig, TrainingError, as_json, run_folder
from trainer.distributed import Ranks
from trainer.learning.average import WeightAverage
from trainer.learning.batchnorm import use_global_batchnorm
from trainer.learning.learner import Learner
from trainer.learning.optimizer import make_optimizer
from trainer.output.run_folder import OUTPUTS
from trainer.speed import choose_speed
from trainer.validation.figures import KnownPairs


def open_manifests(config: TrainConfig) -> list[Manifest]:
    """Return the manifests of a run, with the rows that ``--data.where`` selects."""
    return read_manifests(config.manifests, where=config.data.where)


def check_outputs(config: TrainConfig, manifests: list[Manifest]) -> None:
    """Refuse a run that would write over its own manifests, shards, recipes or initial weights."""
    before = weights_files(config.init_weights) if config.init_weights is not None else ()
    recipes = [name for name in config.recipe if name.endswith(".toml")]
    inputs = [file for manifest in manifests for file in manifest.files()]
    folder = run_folder(config)
    if config.tensorboard:
        require_utf8(folder)
    keep_inputs([*inputs, *before, *recipes], files=[folder / name for name in OUTPUTS])


def find_thin_margins(config: TrainConfig, manifests: list[Manifest]) -> list[str]:
    """Return a line per manifest whose crops end before the largest shift of the augmentation."""
    shift = config.augment.search_translate_px if config.augment.enabled else 0.0
    return [
        f"{manifest.url}: its crops have a margin of {manifest.metadata.crop.margin} px, but "
        f"--augment.search-translate-px shifts them by up to {shift:g} px; what lies beyond the "
        f"margin is a mirror image. Build with --margin {math.ceil(shift)} or more, or shift less"
        for manifest in manifests
        if manifest.metadata.crop.margin < shift
    ]


class Batches:
    """The training and validation batches of a run: the same global ones for any number of ranks.

    Args:
        config: Options of the run.
        manifests: The crops to draw from.
        ranks: Each process gets its slice of every batch.
        device: Where batches are wanted, see `sampling.loader.PairLoader`.

    Raises:
        TrainingError: The manifests, the numbers of pairs and the processes do not fit each other.
    """

    def __init__(
        self,
        config: TrainConfig,
        manifests: list[Manifest],
        ranks: Ranks,
        device: torch.device | None = None,
    ) -> None:
        self._batch_size = config.batch_size

        def open_loader(split: str) -> PairLoader:
            pairs, augment = config.settings_of(split, manifests)
            try:
                return PairLoader(
                    manifests,
                    pairs=pairs,
                    augment=augment,
                    split=split,
                    batch_size=config.batch_size,
                    seed=config.seed,
                    rank=ranks.rank,
                    world_size=ranks.size,
                    num_workers=config.workers,
                    max_bad_samples=config.max_bad_samples,
                    access=config.data.access,
                    device=device,
                )
            except ValueError as error:
                raise TrainingError(f"{split} pairs: {error}") from error

        self._train = open_loader("train")
        self._val = open_loader("val")
        self.steps_per_epoch = len(self._train)
        """Global batches of a training epoch; the last one may be smaller."""
        plan = self._val.dataset.plan
        width, height = np.median(self._train.dataset.records["target_size"], axis=0)
        self.known = KnownPairs(
            sources=pair_sources(manifests, plan),
            is_video=plan.template_rows != plan.search_rows,
            constant_size=(float(width), float(height)),
        )
        """Of the validation pairs; the constant box is that of the first training epoch."""

    def epoch(self, epoch: int, *, first_step: int) -> Iterable[PairBatch]:
        """Return the training batches of an epoch, from a step in it on."""
        self._train.set_epoch(epoch, first_pair=first_step * self._batch_size)
        return self._train

    def validation(self) -> Iterable[PairBatch]:
        """Return the validation batches, always the same."""
        return self._val

    def close(self) -> None:
        """End the loaders' workers."""
        self._train.close()
        self._val.close()


def make_learner(config: TrainConfig, ranks: Ranks, device: torch.device) -> Learner:
    """Build the network, start it from the stage before if there was one, and its optimizer."""
    config = choose_speed(config, device)
    torch.manual_seed(config.seed)
    network = build_model(config.model)
    if config.init_weights is not None:
        load_start(network, config.init_weights)
    if config.sync_batchnorm:
        use_global_batchnorm(network, ranks)
    # a trunk that trains in stage 2 is one that pre-training's rule leaves free
    network.freeze("pretrain" if config.trunk_rate else config.stage)
    network.to(device)
    if config.channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ranks.share_state(network)
    if config.compile:
        network.compile()
    return Learner(
        network=network,
        optimizer=make_optimizer(network, config),
        center_ratio=config.center_ratio,
        ranks=ranks,
        device=device,
        bf16=config.precision == "bf16",
        clip_norm=config.clip_norm,
        average=WeightAverage(network, config.ema) if config.ema else None,
    )


def make_provenance(config: TrainConfig, manifests: list[Manifest]) -> dict[str, Any]:
    """Return the origin of the weights: options, manifests, and the stage before."""
    before = None
    if config.init_weights is not None:
        before = {
            "url": config.init_weights,
            "sha256": read_description(config.init_weights)["sha256"],
        }
    provenance: dict[str, Any] = all_without_secrets(
        {
            "options": as_json(config),
            "manifests": [
                {"url": manifest.url, "fingerprint": manifest.fingerprint} for manifest in manifests
            ],
            "init_weights": before,
            "torch": torch.__version__,
        }
    )
    return provenance
