r"""Show pairs exactly as the network gets them, beside what was stored, on one page.

    python -m sampling.preview --manifests data/shards/vid/manifest.parquet
    python -m sampling.preview --manifests data/shards/*/manifest.parquet --recipe finetune \
        --out pairs.html

Each pair is the one that a run of the same manifests, recipes, seed and epoch trains on, or, with
``--split val``, the one that each of its validations looks at. Other options of the run go into a
recipe of their own.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

import tyro

from commands.page import Section, Table, write_page
from commands.places import keep_inputs
from commands.provenance import describe_run
from commands.run import run_command
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifests
from manifests.together import with_manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from sampling.preview_pictures import Origin, pair_pictures
from sampling.recipe import (
    VALIDATION_CHANGES,
    Recipe,
    parse_weights,
    read_recipes,
    recipe_path,
    validation_pairs,
)

PROG = "python -m sampling.preview"
_DEFAULT_RECIPE = "pretrain"
_TITLES = {"train": "Training", "val": "Validation"}


@dataclass(frozen=True, kw_only=True)
class PreviewConfig:
    """Show pairs exactly as the network gets them, beside what was stored, on one page."""

    manifests: tuple[str, ...]
    """Path or URL of each manifest."""
    recipe: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Recipe of the trainer by name, or the path of a TOML file like it; repeat to stack them. None
    means "pretrain"."""
    out: str = "pairs.html"
    """Page to write."""
    split: Literal["train", "val"] = "train"
    """Pairs of this split; val are the fixed ones that every validation looks at."""
    where: str | None = None
    """SQL condition that selects rows; the recipe's if none is given."""
    weights: str = ""
    """Share of each source in the pairs, such as "vid=1,coco=0.5", as --data.weights of a run; the
    recipe's if empty."""
    num_pairs: int = 16
    """Pairs to show, the first ones of the epoch."""
    seed: int = 0
    """Seed of the run."""
    epoch: int = 0
    """Epoch of the run."""

    def __post_init__(self) -> None:
        """Reject values that show nothing."""
        if self.num_pairs < 1:
            raise ValueError(f"--num-pairs {self.num_pairs}: expected at least 1")


def preview(config: PreviewConfig) -> None:
    """Write the page and print where it is."""
    names = config.recipe or (_DEFAULT_RECIPE,)
    recipe = read_recipes(names)
    where = config.where or recipe.where
    manifests = read_manifests(config.manifests, where=where)
    inputs = [each for one in manifests for each in one.files()]
    keep_inputs([*inputs, *map(recipe_path, names)], files=[config.out])
    pairs, augment = pair_settings(config, recipe)
    try:
        before, _ = first_pairs(config, manifests, pairs, AugmentSettings(enabled=False))
        after, origins = first_pairs(config, manifests, pairs, augment)
    except ValueError as error:  # such as weights of a source that no manifest has
        raise ManifestError(str(error)) from error
    write_page(
        config.out,
        f"{_TITLES[config.split]} pairs of recipe {' + '.join(names)}",
        [
            Section(
                title="What a pair is",
                text=(
                    "Left: search crop as stored, with its template below. Right: both as the "
                    "network gets them. The box is the target's, in a negative pair that of "
                    "another target. Dots are the cells that the "
                    f"{recipe.head} head is to answer with yes; the small map beside the template "
                    "is the label map of the loss, white where yes; a negative pair has none. "
                    "Below: where the target is, in px right of and below the crop's centre."
                ),
                tables=(_settings_table(pairs, augment),),
            ),
            Section(title="Pairs", pictures=tuple(pair_pictures(recipe, before, after, origins))),
        ],
        made_by=describe_run(PROG, config, manifests),
    )
    print(f"{len(origins)} pairs: {config.out}")


def pair_settings(config: PreviewConfig, recipe: Recipe) -> tuple[PairSettings, AugmentSettings]:
    """Return what the trainer draws for the split: val pairs are the same for each validation."""
    pairs = recipe.pairs
    if config.weights:
        try:
            pairs = replace(pairs, weights=parse_weights(config.weights))
        except ValueError as error:
            raise ManifestError(f"--weights {error}") from None
    if config.split == "val":
        return validation_pairs(pairs, recipe.val_pairs), VALIDATION_CHANGES
    return pairs, recipe.augment


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
        dataset = loader.dataset
    rows, plan = with_manifest(manifests), dataset.plan
    records = dataset.records[batch.pair_index.numpy()]
    origins = []
    for record, change in zip(
        records, dataset.maker.changes(records, epoch=dataset.epoch), strict=True
    ):
        pair = int(record["pair"])
        template, search = (
            rows.row(int(plan.rows_of(role)[pair]), named=True) for role in ("template", "search")
        )
        background = int(plan.background_rows[pair])
        origins.append(
            Origin(
                _name_crop(template),
                _name_crop(search),
                search["frame"] - template["frame"] if record["positive"] else None,
                change,
                dataset.shards[record["template"]["shard"]].template_px,
                _name_crop(rows.row(background, named=True)) if background >= 0 else None,
            )
        )
    return batch, origins


def _name_crop(row: dict[str, Any]) -> str:
    return f"{row['source']} {row['track']} frame {row['frame']}"


def _settings_table(pairs: PairSettings, augment: AugmentSettings) -> Table:
    values = {
        option.name: getattr(settings, option.name)
        for settings in (augment, pairs)
        for option in fields(settings)
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
