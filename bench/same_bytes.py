"""Compare the outputs of the same commands in two checkouts, byte by byte.

    git worktree add ../before HEAD~1
    python -m bench.same_bytes --against ../before

Builds all sources of a tiny made-up world, trains a narrow network in two stages, tracks and
evaluates with it. Shards, weights and result files must have the same bytes, manifests the same
rows in the columns that both have; validation figures the same values.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from commands.run import run_command

_ROOT = Path(__file__).resolve().parent.parent
_SOURCES = ("vid", "coco", "uav123", "lasot")
_TINY = (
    *("--model.width", "0.125", "--batch-size", "4", "--data.pairs-per-epoch", "24"),
    *("--data.val-pairs", "8", "--schedule.epochs", "2", "--threads", "1", "--workers", "1"),
    *("--device", "cpu", "--tensorboard", "False"),
)


class DifferentError(Exception):
    """The two checkouts wrote something different, or a command failed."""


@dataclass(frozen=True, kw_only=True)
class SameBytesConfig:
    """Compare what two checkouts write."""

    against: Path
    """The other checkout, such as a git worktree of the commit before."""


def compare(config: SameBytesConfig) -> None:
    """Run all commands in both checkouts, and print each output that differs."""
    with tempfile.TemporaryDirectory() as temporary:
        here = digests(_ROOT, Path(temporary) / "here")
        there = digests(config.against.resolve(), Path(temporary) / "there")
    different = [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
    for name in different:
        print(f"{name}: {here.get(name, 'absent')} here, {there.get(name, 'absent')} there")
    if different:
        raise DifferentError(f"{len(different)} of {len(here)} outputs differ")
    print(f"{len(here)} outputs, all the same")


def digests(checkout: Path, out: Path) -> dict[str, str]:
    """Run the commands in a checkout; return output to digest."""
    raw, shards = out / "raw", out / "shards"
    _run(checkout, "datasets.sample", "--out", raw, "--scale", "tiny")
    for source in _SOURCES:
        folder = ("--root", raw / source, "--out", shards / source)
        _run(checkout, "datasets.build", "--src", source, *folder, "--margin", 16)
    manifests = ("--manifests", *(shards / source / "manifest.parquet" for source in _SOURCES))
    _run(
        *(checkout, "trainer.run", "--recipe", "pretrain", *_TINY, "--schedule.rates", "0.001"),
        *(*manifests, "--out", out / "first"),
    )
    _run(
        *(checkout, "trainer.run", "--recipe", "paper-finetune-aug", *_TINY, *manifests),
        *("--schedule.rates", "0.01", "--model.template-crop", "7", "--model.fusion", "pad"),
        *("--model.template", "zero_mean", "--model.gain", "0.1"),
        *("--init-weights", out / "first" / "last.safetensors", "--out", out / "second"),
    )
    for benchmark, root in (("otb100", raw / "OTB100"), ("vot2018", raw / "vot2018")):
        _run(
            *(checkout, "evaluation.run", "--benchmark", benchmark, "--root", root),
            *("--weights", out / "second" / "last.safetensors", "--name", "x"),
            *("--results", out / "results" / benchmark, "--out", out / "report" / benchmark),
        )
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = str(path.relative_to(out))
        if (
            path.suffix in (".tar", ".safetensors")
            or "groundtruth" in name
            or (name.startswith("results/") and path.suffix == ".txt" and "time" not in name)
        ):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        elif path.name == "manifest.parquet":
            frame = pl.read_parquet(path)
            found.update({f"{name}:{column.name}": _digest(column) for column in frame})
        elif path.name == "metrics.jsonl":
            found[name] = _losses(path)
    return found


def _digest(column: pl.Series) -> str:
    return hashlib.sha256(repr(column.to_list()).encode()).hexdigest()[:16]


def _losses(path: Path) -> str:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    losses = [record["loss"] for record in records if record["kind"] == "step"]
    return hashlib.sha256(repr(losses).encode()).hexdigest()[:16]


def _run(checkout: object, *module_and_options: object) -> None:
    command = [sys.executable, "-m", *map(str, module_and_options)]
    done = subprocess.run(command, cwd=str(checkout), capture_output=True, text=True)
    if done.returncode:
        raise DifferentError(f"{' '.join(command)} in {checkout}: {done.stderr.strip()[-500:]}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is the same, 1 a difference, 2 a wrong option."""
    prog = "python -m bench.same_bytes"
    return run_command(SameBytesConfig, compare, argv, prog=prog, errors=(DifferentError,))


if __name__ == "__main__":
    sys.exit(main())
