r"""Show pairs exactly as the network gets them, beside what was stored, on one page.

    python -m sampling.preview --manifests data/shards/vid/manifest.parquet
    python -m sampling.preview --manifests data/shards/*/manifest.parquet --recipe finetune \
        --out pairs.html

Each pair is the one that a run of the same recipe, seed and epoch trains on.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE
from datasets.showcase import with_manifest
from manifests.cli import run_command
from manifests.page import Section, Table, write_page
from manifests.provenance import describe_run
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings, draw_changes
from sampling.batch import PairBatch
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.preview_pictures import Origin, Recipe, pair_pictures
from sampling.rng import pair_numbers

PROG = "python -m sampling.preview"
_RECIPES = Path(__file__).resolve().parent.parent / "trainer" / "recipes"


@dataclass(frozen=True, kw_only=True)
class PreviewConfig:
    """Show pairs exactly as the network gets them, beside what was stored, on one page."""

    manifests: tuple[str, ...]
    """Path or URL of each manifest."""
    recipe: str = "pretrain"
    """Name of a recipe of the trainer, or the path of a TOML file like it."""
    out: str = "pairs.html"
    """Page to write."""
    split: Literal["train", "val"] = "train"
    """Pairs of this split; val pairs are never augmented."""
    where: str | None = None
    """SQL condition that selects rows."""
    num_pairs: int = 16
    """Pairs to show, the first ones of the epoch."""
    seed: int = 0
    """Seed of the run."""
    epoch: int = 0
    """Epoch of the run."""


def preview(config: PreviewConfig) -> None:
    """Write the page and print where it is."""
    recipe = read_recipe(config.recipe)
    augment = recipe.augment if config.split == "train" else AugmentSettings(enabled=False)
    manifests = [read_manifest(url, where=config.where) for url in config.manifests]
    before, _ = first_pairs(config, manifests, recipe.pairs, AugmentSettings(enabled=False))
    after, origins = first_pairs(config, manifests, recipe.pairs, augment)
    write_page(
        config.out,
        f"Pairs of recipe {config.recipe}, {config.split}",
        [
            Section(
                title="What a pair is",
                text=(
                    "From left to right: template and search crop as stored, template and search "
                    "crop as the network gets them. The box is the target's, the dots are the "
                    f"cells that the {recipe.head} head is to answer with yes; a negative pair "
                    "has none."
                ),
                tables=(_settings_table(recipe, augment),),
            ),
            Section(title="Pairs", pictures=tuple(pair_pictures(recipe, before, after, origins))),
        ],
        made_by=describe_run(PROG, config, manifests),
    )
    print(f"{len(origins)} pairs: {config.out}")


def read_recipe(name: str) -> Recipe:
    """Return what a recipe says about pairs; what it leaves out has the options' defaults.

    Raises:
        ManifestError: There is no such recipe, or it is not TOML.
    """
    path = Path(name) if name.endswith(".toml") else _RECIPES / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = sorted(each.stem for each in _RECIPES.glob("*.toml"))
        raise ManifestError(f"--recipe {name}: no {path}, expected one of {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path}: not TOML: {error}") from None
    model = table.get("model", {})
    return Recipe(
        pairs=PairSettings(**_known(PairSettings, table.get("data", {}))),
        augment=AugmentSettings(**_known(AugmentSettings, table.get("augment", {}))),
        head=str(model.get("head", "siamfc")),
        backbone=str(model.get("backbone", "dcffnet")),
    )


def _known(settings: type[Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table's values that the settings have, but for weights, which runs are given."""
    names = {option.name for option in fields(settings)} - {"weights"}
    values = {key.replace("-", "_"): value for key, value in table.items()}
    return {key: value for key, value in values.items() if key in names}


def first_pairs(
    config: PreviewConfig,
    manifests: Sequence[Manifest],
    pairs: PairSettings,
    augment: AugmentSettings,
) -> tuple[PairBatch, list[Origin]]:
    """Return the first pairs of the epoch, and where each comes from and what was done to it."""
    with PairLoader(
        manifests,
        pairs=pairs,
        augment=augment,
        split=config.split,
        batch_size=config.num_pairs,
        seed=config.seed,
        epoch=config.epoch,
        pin_memory=False,
    ) as loader:
        batch = next(iter(loader))
        plan = loader.dataset.plan
    rows, pairs_shown = with_manifest(manifests), batch.pair_index.numpy()
    templates = rows[plan.template_rows[pairs_shown].tolist()]
    searches = rows[plan.search_rows[pairs_shown].tolist()]
    margins = np.array([manifest.metadata.margin for manifest in manifests])
    epoch = config.epoch if config.split == "train" else 0
    changes = draw_changes(
        augment,
        pair_numbers(config.seed, epoch, pairs_shown),
        template_px=TEMPLATE_SIZE + 2 * margins[templates["manifest"].to_numpy()],
        search_px=SEARCH_SIZE + 2 * margins[searches["manifest"].to_numpy()],
    )
    origins = []
    for template, search, positive, change in zip(
        templates.iter_rows(named=True),
        searches.iter_rows(named=True),
        plan.positive[pairs_shown].tolist(),
        changes,
        strict=True,
    ):
        gap = search["frame"] - template["frame"] if positive else None
        names = [f"{row['track']} frame {row['frame']}" for row in (template, search)]
        origins.append(Origin(template["source"], names[0], names[1], gap, change))
    return batch, origins


def _settings_table(recipe: Recipe, augment: AugmentSettings) -> Table:
    values = {
        **{option.name: getattr(augment, option.name) for option in fields(augment)},
        "max_gap": recipe.pairs.max_gap,
        "negative_ratio": recipe.pairs.negative_ratio,
        "pairs_per_epoch": recipe.pairs.pairs_per_epoch,
    }
    return Table(
        caption="Settings",
        columns=("setting", "value"),
        rows=tuple((name, str(value)) for name, value in values.items()),
        folded=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(PreviewConfig, preview, argv, prog=PROG, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
