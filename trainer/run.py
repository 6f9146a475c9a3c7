r"""Train one stage of a tracker.

    python -m trainer.run --recipe pretrain --manifests data/shards/vid/manifest.parquet \
        --out runs/pretrain
    python -m trainer.run --recipe finetune --init-weights runs/pretrain/best.safetensors \
        --manifests data/shards/{coco,uav123,lasot}/manifest.parquet --out runs/finetune
    torchrun --nproc-per-node 2 -m trainer.run --recipe pretrain ...

The same command goes on where a stopped run was: after SIGTERM (which saves first), a kill, a full
disk, on another number of processes too. `trainer.loop` has the training itself.
"""

import logging
import sys
from collections.abc import Sequence

import torch
from tqdm.contrib.logging import logging_redirect_tqdm

from datasets.trust import find_problems
from manifests.cli import run_command
from manifests.schema import ManifestError
from model.weights import WeightsError
from sampling.workers import LostWorkerError
from trainer.checkpoint import writing
from trainer.config import TrainConfig, TrainingError, run_folder
from trainer.curves import write_curves
from trainer.distributed import LostRankError, Ranks, choose_device, open_ranks
from trainer.dry_run import dry_run
from trainer.figures import find_weak_sizes
from trainer.journal import METRICS, Journal, best_validation, read_metrics
from trainer.loop import train
from trainer.options import expand_recipes
from trainer.preemption import StopRequest, watch_for_stop
from trainer.saving import RunFolder
from trainer.schedule import num_epochs
from trainer.setup import Batches, check_outputs, make_learner, make_provenance, open_manifests

logger = logging.getLogger(__name__)

PROG = "python -m trainer.run"


def run(config: TrainConfig) -> None:
    """Train a stage to its end, or until SIGTERM."""
    if config.threads:
        torch.set_num_threads(config.threads)
    device = choose_device(config.device)
    with open_ranks(device) as ranks, watch_for_stop() as stop:
        if not ranks.is_first:
            logging.getLogger().setLevel(logging.WARNING)
        _run_on_rank(config, ranks, device, stop)


def _run_on_rank(
    config: TrainConfig, ranks: Ranks, device: torch.device, stop: StopRequest
) -> None:
    manifests = open_manifests(config)
    check_outputs(config, manifests)
    if ranks.is_first:
        for problem in find_problems(manifests):
            logger.warning("%s", problem)
    batches = Batches(config, manifests, ranks)
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
    journal = Journal(
        folder.folder if ranks.is_first else None,
        batch_size=config.batch_size,
        total_steps=total_epochs * batches.steps_per_epoch,
        progress=progress,
        tensorboard=config.tensorboard,
    )
    try:
        with logging_redirect_tqdm():  # else warnings continue the line of the progress bar
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
        state = "complete" if finished else f"stopped and saved at step {progress.step}"
        logger.info("%s: %s; curves in %s", folder.folder, state, curves)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success or SIGTERM, 1 a problem with the run, 2 a wrong option."""
    try:
        options = expand_recipes(sys.argv[1:] if argv is None else argv)
    except ValueError as error:
        logger.error("%s", error)
        return 2
    errors = (TrainingError, ManifestError, WeightsError, LostRankError, LostWorkerError)
    again = "the same command goes on from the newest checkpoint, if one was saved"
    return run_command(TrainConfig, run, options, prog=PROG, errors=errors, after_ctrl_c=again)


if __name__ == "__main__":
    sys.exit(main())
