"""Checkpoints: the state of a run for resuming, in a folder that is whole or absent.

    <run>/checkpoints/step-00001478-epoch-0002/
        weights.safetensors, weights.json   the network, as for use, with its provenance
        state.pt                            optimizer, position, random state, average
        contents.json                       size and checksum of each file

Written under a temporary name, flushed and renamed; checked when read. A damaged one is skipped
for the one before it.
"""

import hashlib
import io
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from commands.files import FULL
from commands.json_files import parse_json
from model.network import Network
from model.weights import save_weights
from trainer.config import TrainingError

logger = logging.getLogger(__name__)

_CONTENTS = "contents.json"


@dataclass(kw_only=True)
class Progress:
    """Progress of a run."""

    step: int = 0
    """Updates made."""
    epochs_done: int = 0
    """Epochs trained and validated."""
    best_value: float = float("-inf")
    """Highest value of the selection (`trainer.validation.selection`) so far."""


def checkpoint_name(progress: Progress) -> str:
    """Return the name of a checkpoint's folder; names sort by time."""
    return f"step-{progress.step:08d}-epoch-{progress.epochs_done:04d}"


def write_checkpoint(
    folder: Path, network: Network, state: Mapping[str, Any], *, provenance: dict[str, Any]
) -> None:
    """Write a checkpoint to ``folder``; nothing is left behind if that fails.

    Raises:
        TrainingError: The disk is full or cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        with writing(folder, "a checkpoint"):
            temporary.mkdir(parents=True)
            save_weights(str(temporary / "weights.safetensors"), network, provenance=provenance)
            buffer = io.BytesIO()
            torch.save(dict(state), buffer)
            (temporary / "state.pt").write_bytes(buffer.getvalue())
            contents = {path.name: _describe(path) for path in sorted(temporary.iterdir())}
            (temporary / _CONTENTS).write_text(json.dumps(contents, indent=1), encoding="utf-8")
            for path in [*temporary.iterdir(), temporary]:
                _flush(path)
            if folder.exists():  # a damaged one, or the same state: the run came here before
                shutil.rmtree(folder)
            temporary.replace(folder)
            _flush(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def writing(path: Path, what: str) -> Iterator[None]:
    """Turn a failure to write, such as on a full disk, into one line with advice.

    Raises:
        TrainingError: The ``with`` block could not write.
    """
    try:
        yield
    except OSError as error:
        advice = "Nothing can be written there; pass another --out"
        if error.errno in FULL:
            advice = (
                "The checkpoints before it are whole; make room, then the same command goes on "
                "from there"
            )
        reason = (error.strerror or str(error)).partition(". ")[0]  # without advice of its own
        raise TrainingError(f"{path}: cannot write {what}: {reason}. {advice}") from error


def find_newest(parent: Path) -> Path | None:
    """Return the newest undamaged checkpoint, or None if there is no checkpoint at all.

    Raises:
        TrainingError: There are checkpoints, but each is damaged.
    """
    folders = sorted(parent.glob("step-*"), reverse=True)
    for folder in folders:
        damage = _find_damage(folder)
        if damage is None:
            return folder
        logger.warning("%s: damaged checkpoint, skipped for the one before: %s", folder, damage)
    if folders:
        raise TrainingError(
            f"{parent}: each of the {len(folders)} checkpoints is damaged. Remove the folder to "
            "start from the beginning"
        )
    return None


def read_state(folder: Path) -> dict[str, Any]:
    """Return the training state of a checkpoint (tensors and plain values only)."""
    state: dict[str, Any] = torch.load(folder / "state.pt", weights_only=True, map_location="cpu")
    return state


def remove_old(parent: Path, *, keep: int) -> None:
    """Remove all checkpoints but the newest ``keep``, and the leftovers of killed writers."""
    for folder in sorted(parent.glob("step-*"), reverse=True)[keep:]:
        shutil.rmtree(folder)
    for leftover in parent.glob(".*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)


def _describe(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _find_damage(folder: Path) -> str | None:
    try:
        contents = parse_json((folder / _CONTENTS).read_text(encoding="utf-8"))
        for name, expected in contents.items():
            actual = _describe(folder / name)
            if actual["bytes"] != expected["bytes"]:
                return f"{name} has {actual['bytes']} bytes, expected {expected['bytes']}"
            if actual != expected:
                return f"{name} has another checksum than when it was written"
    except OSError as error:
        return str(error)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{_CONTENTS} is damaged ({error!r})"
    return None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
