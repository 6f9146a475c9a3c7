"""A run's folder: resuming, checkpoints and weights.

<run>/checkpoints/              the newest ones, see `trainer.output.checkpoint`
<run>/best.safetensors, .json   weights of the best epoch, see `trainer.validation.selection`
<run>/last.safetensors, .json   weights of the last epoch, once the run is complete
<run>/metrics.jsonl, curves.png, examples/, tensorboard/
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from commands.files import whole_file
from datasets.files.lock import only_one
from datasets.tracks import SourceError
from model.weights import load_model, read_description, save_weights
from trainer.config import TrainingError, changed_options
from trainer.distributed import Ranks
from trainer.learning.learner import Learner
from trainer.output.checkpoint import (
    Progress,
    checkpoint_name,
    find_newest,
    read_state,
    remove_old,
    write_checkpoint,
    writing,
)
from trainer.output.metrics import METRICS

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
PROVENANCE = "run.json"
"""The run's resolved options and the fingerprints of its inputs."""

OUTPUTS = (
    *("checkpoints", "examples", "tensorboard", "best.safetensors", "best.json"),
    *("last.safetensors", "last.json", PROVENANCE, METRICS, "curves.png"),
)
"""The names that a run writes and removes in its folder."""


@contextmanager
def only_training(folder: Path, ranks: Ranks) -> Iterator[None]:
    """Hold a run's folder for the duration of the block; the first rank does, for all of them.

    Raises:
        SourceError: Another run is training there; the message has its host and process.
        TrainingError: The folder cannot be written, or that was so on the first rank.
    """
    with ExitStack() as held:

        def hold() -> None:
            with writing(folder, "a checkpoint"):
                held.enter_context(only_one(folder, doing="training"))

        _run_on_first(ranks, hold, failed="cannot start")
        yield


def _run_on_first(ranks: Ranks, action: Callable[[], None], *, failed: str) -> None:
    """Run an action on the first rank; if it raises there, every rank raises."""
    failure: SourceError | TrainingError | None = None
    if ranks.is_first:
        try:
            action()
        except (SourceError, TrainingError) as error:
            failure = error
    if ranks.any(flag=failure is not None):
        raise failure or TrainingError(f"rank {ranks.rank}: rank 0 {failed}; it says why")


class RunFolder:
    """Writes on the first rank only; if that fails, every rank stops.

    Args:
        folder: On a disk that all nodes share.
        learner: Saved and restored.
        provenance: Origin of the weights; goes into each file of weights.
        keep: Number of checkpoints to keep.
    """

    def __init__(
        self, folder: Path, learner: Learner, provenance: dict[str, Any], *, keep: int
    ) -> None:
        self.folder = folder
        self._checkpoints = folder / CHECKPOINTS
        self._learner = learner
        self._provenance = provenance
        self._keep = keep
        self._saved: Progress | None = None

    def resume(self) -> Progress:
        """Restore the newest undamaged checkpoint, if there is one, and return its progress.

        Raises:
            TrainingError: It is of a run with other options or data.
        """
        newest = find_newest(self._checkpoints)
        state = read_state(newest) if newest is not None else None
        progress = _progress_of(state) if state is not None else Progress()
        ranks = self._learner.ranks
        if ranks.any(flag=ranks.take_first(progress.step) != progress.step):
            raise TrainingError(
                f"rank {ranks.rank}: {self._checkpoints} is at step {progress.step}, not so on "
                "other ranks. --out must be a folder that all nodes share"
            )
        if newest is None or state is None:
            if (self.folder / METRICS).exists() and ranks.is_first:
                logger.warning(
                    "%s: a run stopped there before its first checkpoint; it begins again at "
                    "step 0. --checkpoint-steps saves more often",
                    self.folder,
                )
            return progress
        self._check_same_run(newest)
        restored = load_model(newest / "weights.safetensors")
        self._learner.network.load_state_dict(restored.state_dict())
        self._learner.optimizer.load_state_dict(state["optimizer"])
        if self._learner.average is not None:
            self._learner.average.load(state["average"])
        torch.set_rng_state(state["rng"])
        logger.info("going on from %s", newest)
        self._saved = _progress_of(state)
        return progress

    def save(self, progress: Progress, *, is_best: bool = False) -> None:
        """Write a checkpoint, and the best weights before it, so that both survive a kill."""
        if progress == self._saved:
            return

        def write() -> None:
            if is_best:
                self._write_weights("best", progress)
            write_checkpoint(
                self._checkpoints / checkpoint_name(progress),
                self._learner.network,
                self._state(progress),
                provenance=self._provenance_at(progress),
            )
            remove_old(self._checkpoints, keep=self._keep)

        self._on_first(write)
        self._saved = Progress(**asdict(progress))

    def finish(self, progress: Progress) -> None:
        """Write the last weights."""
        self._on_first(lambda: self._write_weights("last", progress))

    def try_writing(self) -> None:
        """Write the provenance, and a checkpoint that is removed again.

        So a folder that cannot be written and a full disk show before training.
        """

        def write() -> None:
            trial = self._checkpoints / ".trial"
            write_checkpoint(
                trial, self._learner.network, self._state(Progress()), provenance=self._provenance
            )
            shutil.rmtree(trial)
            path = self.folder / PROVENANCE
            with writing(path, "the options"), whole_file(path) as temporary:
                temporary.write_text(json.dumps(self._provenance, indent=2), encoding="utf-8")

        self._on_first(write)

    def _state(self, progress: Progress) -> dict[str, Any]:
        state = {
            "progress": asdict(progress),
            "optimizer": self._learner.optimizer.state_dict(),
            "rng": torch.get_rng_state(),
        }
        if self._learner.average is not None:
            state["average"] = self._learner.average.tensors
        return state

    def _provenance_at(self, progress: Progress) -> dict[str, Any]:
        return {**self._provenance, "step": progress.step, "epoch": progress.epochs_done}

    def _write_weights(self, name: str, progress: Progress) -> None:
        path = self.folder / f"{name}.safetensors"
        with writing(path, "the weights"), self._learner.result():
            save_weights(path, self._learner.network, provenance=self._provenance_at(progress))

    def _on_first(self, write: Callable[[], None]) -> None:
        _run_on_first(self._learner.ranks, write, failed="could not save")

    def _check_same_run(self, checkpoint: Path) -> None:
        before = read_description(checkpoint / "weights.safetensors")["provenance"]
        changed = changed_options(before["options"], self._provenance["options"])
        if changed:
            raise TrainingError(
                f"{self.folder}: holds a run with other options ({'; '.join(changed)}). Give the "
                "same options to go on, or another --out to start anew"
            )
        if _inputs(before) != _inputs(self._provenance):
            raise TrainingError(
                f"{self.folder}: holds a run from other manifests or initial weights, or from the "
                "same names with another content. Give the same ones in the same order, or "
                "another --out to start anew"
            )


def _progress_of(state: dict[str, Any]) -> Progress:
    """Return the progress of a checkpoint, also of one that another version wrote."""
    names = {field.name for field in fields(Progress)}
    return Progress(**{name: value for name, value in state["progress"].items() if name in names})


def _inputs(provenance: dict[str, Any]) -> list[str | None]:
    """Return the checksums of a run's inputs."""
    before = provenance["init_weights"]
    manifests = [manifest["fingerprint"] for manifest in provenance["manifests"]]
    return [*manifests, before["sha256"] if before else None]
