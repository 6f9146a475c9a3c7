"""The blocks of CONTRIBUTING, applied to a copy of the checkout, add what they say."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from sampling.augment import AugmentSettings, draw_changes
from sampling.rng import pair_numbers
from tests.support import ROOT
from tests.support.builds import make_jpeg

PACKAGES = ("commands", "manifests", "model", "datasets", "sampling", "trainer", "tracking")
SECTIONS = ("A source", "A benchmark", "A head", "An augmentation", "A metric sink")

RECIPE = """
batch-size = 4
workers = 0
threads = 1
device = "cpu"
tensorboard = false
[model]
head = "toy"
variant = "baseline"
width = 0.02
[data]
pairs-per-epoch = 8
val-pairs = 4
[augment]
negative = 0.5
[schedule]
epochs = 1
rates = [0.001]
"""

USE = """
import sys
from pathlib import Path
from datasets.build import main as build
from evaluation.run import main as evaluate
from trainer.run import main as train
from sampling.augment import AugmentSettings, draw_changes
from sampling.rng import pair_numbers
import numpy as np

raw, manifest, benchmark = sys.argv[1:]
assert build(["--src", "toy", "--root", raw, "--out", "built", "--val-fraction", "0.5"]) == 0
assert train(["--recipe", "toy.toml", "--manifests", manifest, "--out", "run"]) == 0
weights = ["--weights", "run/last.safetensors", "--name", "toy"]
assert evaluate(["--benchmark", "toy", "--root", benchmark, *weights]) == 0
for settings in (AugmentSettings(color=0.3), AugmentSettings(color=0.3, negative=0.5)):
    numbers = pair_numbers(0, 0, np.arange(100), blocks=settings.num_blocks)
    sides = {"template_px": np.full(100, 127), "search_px": np.full(100, 255)}
    changes = draw_changes(settings, numbers, **sides)
    print([change[:4] for change in changes])
    print(sum(change.search_look.negative for change in changes))
"""


def blocks(page: str) -> dict[str, str]:
    """Return the block of each section, by its title."""
    sections = re.findall(
        r"^### (.+)\n(?:(?!^#).*\n)*?```diff\n((?:.*\n)*?)```", page, re.MULTILINE
    )
    return dict(sections)


def apply(block: str, root: Path) -> None:
    """Copy the files that a block names, and change others at their context."""
    for source, target in re.findall(r"^copy from (.+)\ncopy to (.+)\n", block, re.MULTILINE):
        shutil.copy(root / source, root / target)
    edits = re.sub(r"^copy .+\n", "", block, flags=re.MULTILINE)
    for name, text in re.findall(r"^--- (.+)\n((?:(?!^--- ).*\n)*)", edits, re.MULTILINE):
        path = root / name
        content = path.read_text()
        for edit in text.split("...\n"):
            lines = edit.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
            after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
            assert content.count(before) == 1, (name, before)
            content = content.replace(before, after)
        path.write_text(content)


def test_what_the_page_adds_is_built_trained_and_scored(
    sample_world: Path, sample_shards: Path, tmp_path: Path
) -> None:
    root = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in (*PACKAGES, "evaluation", "tests/support"):
        shutil.copytree(ROOT / package, root / package, ignore=ignored)
    found = blocks((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert tuple(found) == SECTIONS
    for block in found.values():
        apply(block, root)
    for number in range(2):
        folder = tmp_path / "raw" / f"video{number}"
        folder.mkdir(parents=True)
        (folder / "0001.jpg").write_bytes(make_jpeg(number))
        (folder / "boxes.txt").write_text("40,30,50,40\n")
    (root / "toy.toml").write_text(RECIPE)
    inputs = (tmp_path / "raw", sample_shards / "vid/manifest.parquet", sample_world / "OTB100")
    done = subprocess.run(
        [sys.executable, "-c", USE, *map(str, inputs)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *_, without, none, with_it, some = done.stdout.splitlines()
    assert without == with_it == str(_changes())
    assert (int(none), 30 < int(some) < 70) == (0, True)
    assert (root / "built/manifest.parquet").is_file()
    assert len((root / "run/losses.csv").read_text().splitlines()) == 2
    options = json.loads((root / "run/run.json").read_text())["options"]
    assert (options["model"]["head"], options["augment"]["negative"]) == ("toy", 0.5)
    assert (root / "reports/toy/report.html").is_file()


def _changes() -> list[tuple[object, ...]]:
    """Return the pairs' changes without the new augmentation, of this checkout."""
    settings = AugmentSettings(color=0.3)
    numbers = pair_numbers(0, 0, np.arange(100), blocks=settings.num_blocks)
    sides = {"template_px": np.full(100, 127), "search_px": np.full(100, 255)}
    return [change[:4] for change in draw_changes(settings, numbers, **sides)]
