"""Pairs exactly as the network gets them, beside the stored ones: ``python -m sampling.preview``.

Each pair is the one that a run of the same manifests, recipes, seed and epoch trains on, or, with
``--split val``, the one that each of its validations measures. Other options of the run belong in
a recipe, as for ``trainer.run``, which reads recipes with the same parser.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

import torch
import tyro

from commands.choices import Count, Natural, Seed
from commands.pages.page import Section, Table, write_page
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
from trainer.config import TrainConfig
from trainer.preview_pictures import Origin, pair_pictures
from trainer.recipes import parse_run, recipe_path

logger = logging.getLogger(__name__)

PROG = "python -m sampling.preview"
_DEFAULT_RECIPE = "pretrain"
_TITLES = {"train": "Training", "val": "Validation"}


@dataclass(frozen=True, kw_only=True)
class PreviewData:
    """Options of the run that the preview takes without a recipe."""

    where: str | None = None
    """SQL condition that selects rows; by default the recipe's."""
    weights: str | None = None
    """Share of each source in the pairs, such as "vid=1,coco=0.5"; by default the recipe's."""


@dataclass(frozen=True, kw_only=True)
class PreviewConfig:
    """Show pairs exactly as the network gets them, beside the stored ones, on one page."""

    manifests: tuple[str, ...]
    """Path or URL of each manifest."""
    recipe: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Recipe by name, or the path of a TOML file; repeat to stack them. By default "pretrain"."""
    out: str = "pairs.html"
    """Page to write."""
    split: Literal["train", "val"] = "train"
    """Pairs of this split; val are the fixed ones of every validation."""
    data: PreviewData = field(default_factory=PreviewData)
    num_pairs: Count = 16
    """Pairs to show, the first ones of the epoch."""
    seed: Seed = 0
    """Seed of the run."""
    epoch: Natural = 0
    """Epoch of the run."""


def preview(config: PreviewConfig) -> int:
    """Write the page and print its place; return the exit code, 2 for a wrong recipe."""
    try:
        run = run_of(config)
    except SystemExit:
        return 2
    except ValueError as error:
        logger.error("%s", error)
        return 2
    manifests = read_manifests(run.manifests, where=run.data.where)
    inputs = [file for manifest in manifests for file in manifest.files()]
    keep_inputs([*inputs, *map(recipe_path, run.recipe)], files=[config.out])
    pairs, augment = run.settings_of(config.split, manifests)
    try:
        before, _ = first_pairs(config, manifests, pairs, AugmentSettings(enabled=False))
        after, origins = first_pairs(config, manifests, pairs, augment)
    except ValueError as error:  # such as weights of a source that no manifest has
        raise ManifestError(str(error)) from error
    write_page(
        config.out,
        f"{_TITLES[config.split]} pairs of recipe {' + '.join(run.recipe)}",
        [
            Section(
                title="What a pair is",
                text=(
                    "Left: search crop as stored, with its template below. Right: both as the "
                    "network gets them. The box is the target's, in a negative pair that of "
                    f"another target. Dots are the positive cells of the {run.model.head} head; "
                    "the small map beside the template is the label map of the loss, white where "
                    "positive; a negative pair has none. "
                    "Below: where the target is, in px right of and below the crop's centre."
                ),
                tables=(_settings_table(pairs, augment),),
            ),
            Section(title="Pairs", pictures=tuple(pair_pictures(run, before, after, origins))),
        ],
        made_by=describe_run(PROG, config, manifests),
    )
    print(f"{len(origins)} pairs: {config.out}")
    return 0


def run_of(config: PreviewConfig) -> TrainConfig:
    """Return the configuration of the run whose pairs are shown; raises as `parse_run` does."""
    names = config.recipe or (_DEFAULT_RECIPE,)
    options = [option for name in names for option in ("--recipe", name)]
    options += ["--manifests", *config.manifests, f"--seed={config.seed}"]
    if config.data.where:
        options.append(f"--data.where={config.data.where}")
    if config.data.weights:
        options.append(f"--data.weights={config.data.weights}")
    return parse_run(options, prog=PROG)


def first_pairs(
    config: PreviewConfig,
    manifests: Sequence[Manifest],
    pairs: PairSettings,
    augment: AugmentSettings,
) -> tuple[PairBatch, list[Origin]]:
    """Return the first pairs of the epoch, and the origin and the change of each."""
    with PairLoader(
        manifests,
        pairs=pairs,
        augment=augment,
        split=config.split,
        batch_size=config.num_pairs,
        seed=config.seed,
        epoch=config.epoch,
        device=torch.device("cpu"),
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
