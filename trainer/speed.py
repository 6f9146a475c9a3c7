"""The choices behind ``auto``: precision, memory format and compilation of a run."""

import logging
from dataclasses import replace

import torch

from trainer.config import TrainConfig
from trainer.schedule import num_epochs

logger = logging.getLogger(__name__)

LEAST_COMPILED_STEPS = 5_000
"""On an H200 compiling took 57 s and saved 24 ms of a step at full width: 2,400 steps repay it."""


def choose_speed(config: TrainConfig, device: torch.device) -> TrainConfig:
    """Return the options with every ``auto`` replaced by the faster choice as measured.

    On a GPU bf16 was, and with it channels_last and compile where the whole network trains; with
    the trunk frozen both were slower. On the CPU none of them pays.
    """
    on_gpu = device.type == "cuda"
    trains_all = on_gpu and (config.stage == "pretrain" or config.trunk_rate > 0)
    pairs = num_epochs(config.schedule) * config.data.pairs_per_epoch
    is_long = pairs >= LEAST_COMPILED_STEPS * config.batch_size
    chosen = replace(
        config,
        precision=("bf16" if on_gpu else "float32")
        if config.precision == "auto"
        else config.precision,
        channels_last=trains_all if config.channels_last == "auto" else config.channels_last,
        compile=trains_all and is_long if config.compile == "auto" else config.compile,
    )
    if chosen != config:
        logger.info(
            "auto on %s: --precision %s --channels-last %s --compile %s",
            device.type,
            chosen.precision,
            chosen.channels_last,
            chosen.compile,
        )
    return chosen
