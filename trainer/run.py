r"""Train one stage of a tracker.

    python -m trainer.run --recipe pretrain --out runs/pretrain \
        --manifests data/shards/vid/manifest.parquet
    python -m trainer.run --recipe finetune --out runs/finetune \
        --init-weights runs/pretrain/best.safetensors \
        --manifests data/shards/{coco,uav123,lasot}/manifest.parquet
    torchrun --nproc-per-node 2 -m trainer.run --recipe pretrain ...

The same command goes on where a stopped run was: after Ctrl-C, SIGTERM or a lost terminal (which
save first), a kill, a full disk, on another number of processes too. A second Ctrl-C stops at once.
`trainer.loop` has the training itself.
"""

import logging
import sys
from collections.abc import Sequence

import torch
from tqdm.contrib.logging import logging_redirect_tqdm

from commands.run import run_command
from datasets.report.problems import find_problems
from datasets.tracks import SourceError
from manifests.schema import ManifestError
from model.device import choose_device
from model.weights import WeightsError
from sampling.workers.pool import LostWorkerError
from trainer.config import TrainConfig, TrainingError, run_folder
from trainer.distributed import LostRankError, Ranks, open_ranks
from trainer.dry_run import dry_run
from trainer.loop import train
from trainer.output.checkpoint import writing
from trainer.output.curves import write_curves
from trainer.output.journal import Journal, open_sinks
from trainer.output.metrics import METRICS, best_validation, read_metrics
from trainer.output.run_folder import CHECKPOINTS, RunFolder, only_training
from trainer.preemption import StopRequest, watch_for_stop
from trainer.recipes import expand_recipes
from trainer.schedule import num_epochs
from trainer.setup import (
    Batches,
    check_outputs,
    find_thin_margins,
    make_learner,
    make_provenance,
    open_manifests,
)
from trainer.speed import choose_speed
from trainer.validation.figures import find_weak_sizes

logger = logging.getLogger(__name__)

PROG = "python -m trainer.run"

_COMMON = (
    *("recipe", "manifests", "out", "init_weights", "batch_size", "device", "workers"),
    "data.where",
)


def run(config: TrainConfig) -> int:
    """Train a stage to its end, or until it is asked to stop; return the exit code."""
    if config.threads:
        torch.set_num_threads(config.threads)
    device = choose_device(config.device)
    folder = run_folder(config)
    try:
        with open_ranks(device) as ranks, watch_for_stop() as stop:
            if not ranks.is_first:
                logging.getLogger().setLevel(logging.WARNING)
            with only_training(folder, ranks):
                _run_on_rank(config, ranks, device, stop)
            return 130 if ranks.any(flag=stop.by_ctrl_c) else 0
    except KeyboardInterrupt:  # before the training, or the second one
        names = [path.name for path in (folder / CHECKPOINTS).glob("step-*")]
        start = max(names, default="the beginning")
        logger.error("%s: interrupted; the same command goes on from %s", folder, start)
        return 130


def _run_on_rank(
    config: TrainConfig, ranks: Ranks, device: torch.device, stop: StopRequest
) -> None:
    config = choose_speed(config, device)
    manifests = open_manifests(config)
    check_outputs(config, manifests)
    if ranks.is_first:
        for problem in (*find_problems(manifests), *find_thin_margins(config, manifests)):
            logger.warning("%s", problem)
    batches = Batches(config, manifests, ranks, device)
    learner = make_learner(config, ranks, device)
    folder = RunFolder(
        run_folder(config), learner, make_provenance(config, manifests), keep=config.keep
    )
    progress = folder.resume()
    total_epochs = num_epochs(config.schedule)
    if progress.epochs_done >= total_epochs:
        logger.info("%s: the run is complete", folder.folder)
    else:
        dry_run(learner, folder, config)
    sinks = (
        open_sinks(
            folder.folder,
            config,
            progress,
            total_steps=total_epochs * batches.steps_per_epoch,
        )
        if ranks.is_first
        else []
    )
    journal = Journal(folder.folder, sinks, batch_size=config.batch_size, progress=progress)
    try:
        # or warnings would continue the line of the progress bar
        with logging_redirect_tqdm(), stop.taking_ctrl_c(tell=ranks.is_first):
            finished = train(
                learner,
                batches,
                progress,
                config=config,
                journal=journal,
                stop=stop,
                save=lambda is_best: folder.save(progress, is_best=is_best),
            )
    finally:
        journal.close()
        batches.close()
    if finished:
        folder.finish(progress)
    if ranks.is_first:
        with writing(folder.folder, "the curves"):
            curves = write_curves(folder.folder)
        best = best_validation(read_metrics(folder.folder / METRICS))
        weak = find_weak_sizes(best["figures"]) if finished and best else None
        if weak:
            logger.warning("%s: %s", folder.folder, weak)
        saved = f"stopped and saved at step {progress.step}; the same command goes on from there"
        state = "complete" if finished else saved
        logger.info("%s: %s; curves in %s", folder.folder, state, curves)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success or SIGTERM, 1 a problem, 2 a wrong option, 130 Ctrl-C."""
    try:
        options = expand_recipes(sys.argv[1:] if argv is None else argv)
    except ValueError as error:
        logger.error("%s", error)
        return 2
    data = (SourceError, ManifestError, WeightsError)
    errors = (*data, TrainingError, LostRankError, LostWorkerError)
    return run_command(
        TrainConfig,
        run,
        options,
        prog=PROG,
        common=_COMMON,
        errors=errors,
        after_ctrl_c="the same command goes on from the newest checkpoint, if one was saved",
    )


if __name__ == "__main__":
    sys.exit(main())
