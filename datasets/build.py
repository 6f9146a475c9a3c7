"""Crop one raw dataset into shards and write its manifest.

    python -m datasets.build --src lasot
    python -m datasets.build --src vid --root /data/ILSVRC2015 --out /data/shards/vid --workers 8
    python -m datasets.build --src coco --root s3://raw/coco --out s3://shards/coco
    python -m datasets.build --src folders --root my_videos --name mine

The root may also be an archive, or a folder of archives as the dataset is distributed. The same
command resumes after an interruption: finished shards are not built again.
"""

import dataclasses
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import tyro

from commands.choices import Count, Natural, Seed, ValFraction, one_of, within
from commands.places import keep_inputs
from commands.run import run_command
from datasets.executors import reachable
from datasets.files.archives import COMPRESSED_ADVICE, is_archive, is_compressed
from datasets.files.folders import plain_path
from datasets.files.lock import only_build
from datasets.files.output import Output
from datasets.files.roots import open_root
from datasets.filters import Filters
from datasets.images import codec_versions
from datasets.shards.annotations import Annotations, read_annotations
from datasets.shards.cut_all import cut_all
from datasets.shards.manifest import check_made_again, finish
from datasets.shards.plan import plan_tasks
from datasets.shards.progress import FOLDER, Finished, combined_digest, start_or_resume
from datasets.shards.tasks import ShardSettings
from datasets.sources import SOURCES
from datasets.sources.folders import FolderOptions
from datasets.tracks import SourceError
from manifests.crop_spec import CropSpec
from manifests.schema import ManifestError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """Crop one raw dataset into shards and write its manifest."""

    src: Annotated[str, one_of(SOURCES)]
    """The raw dataset."""
    root: str | None = None
    """Folder, archive or URL of the raw dataset; by default data/raw/<src>."""
    out: str | None = None
    """Folder or s3:// URL of the shards and the manifest; by default data/shards/<src>, or
    data/shards/<name>."""
    workers: Count = 1
    """Number of processes that cut shards."""
    cluster: str | None = None
    """Address of a Dask scheduler whose workers cut the shards, such as tcp://host:8786."""
    seed: Seed = 0
    """Seed of the split and of the order of the videos."""
    val_fraction: ValFraction = 0.1
    """Share of the groups that becomes the val split."""
    template_size: Annotated[int, within(int, 1, 1000)] = CropSpec.template
    """Side of the template crop in pixels; networks take 127."""
    search_size: Annotated[int, within(int, 1, 2000)] = CropSpec.search
    """Side of the search crop in pixels; networks take 255."""
    margin: Annotated[int, within(int, 0, 255)] = CropSpec.margin
    """Pixels of real context to keep around each crop, for augmentation."""
    shard_mb: Annotated[float, within(float, 0.001)] = 256.0
    """Approximate size of a shard."""
    quality: Annotated[int, within(int, 1, 100)] = 92
    """JPEG quality of the crops."""
    max_bad_frames: Natural = 0
    """Number of missing or unreadable images that may be left out and counted."""
    max_bad_annotations: Natural = 0
    """Number of wrong annotations that may be left out and counted; not for sources with one row
    per frame."""
    filters: Annotated[Filters, tyro.conf.OmitArgPrefixes] = field(default_factory=Filters)
    folders: Annotated[FolderOptions, tyro.conf.OmitArgPrefixes] = field(
        default_factory=FolderOptions
    )

    def __post_init__(self) -> None:
        """Reject options that do not fit each other."""
        _ = self.crop  # raises for two sizes that do not fit each other
        if self.max_bad_annotations and not SOURCES[self.src].leaves_out_bad:
            names = ", ".join(name for name, source in SOURCES.items() if source.leaves_out_bad)
            raise ValueError(f"--max-bad-annotations: not for {self.src}, expected one of {names}")
        if self.folders != FolderOptions() and not SOURCES[self.src].has_options:
            raise ValueError("--name, --format and --origin: only with --src folders")
        name = self.folders.name
        if not re.fullmatch(r"[\w.-]+", name or self.src, re.ASCII) or name in SOURCES:
            raise ValueError(
                f"--name {name}: expected letters, digits and -_. only, and no name of a source"
            )

    @property
    def name(self) -> str:
        """Name of the source in the manifest."""
        return self.folders.name or self.src

    @property
    def crop(self) -> CropSpec:
        """Sizes and scale of the crops."""
        return CropSpec(template=self.template_size, search=self.search_size, margin=self.margin)


def build(config: BuildConfig) -> None:
    """Read the raw tree, cut the shards, write the manifest, print the table of frames.

    Raises:
        SourceError: The raw dataset is missing, damaged or has nothing to crop.
        ManifestError: The output was made with other settings.
    """
    absolute = reachable if config.cluster else plain_path  # valid here and in all workers
    shared = ShardSettings(
        root=absolute(config.root or f"data/raw/{config.src}"),
        out=absolute(config.out or f"data/shards/{config.name}"),
        source=config.name,
        filters=config.filters,
        crop=config.crop,
        quality=config.quality,
        max_bad_frames=config.max_bad_frames,
    )
    files = open_root(shared.root)
    output = Output(shared.out)
    keep_inputs([shared.root], folders=[shared.out], files=[output.where(FOLDER)])
    top = files.list("")
    for name in filter(is_compressed, top):
        logger.warning("%s is not read: %s", files.where(name), COMPRESSED_ADVICE)
    source = SOURCES[config.src]
    options = [config.folders] if source.has_options else []
    names = source.list_parts(files, *options)
    with only_build(output):
        annotations = read_annotations(
            *(files, config.src, names, config.filters),
            max_bad=config.max_bad_annotations,
            options=options,
        )
        finished = start_or_resume(output, _settings(config), annotations.digests)
        if finished.manifest and len(finished.shards) == len(finished.manifest.metadata.shards):
            logger.info("%s: already built from the same annotations", output.url)
        else:
            archives = [f"{shared.root}/{name}" for name in filter(is_archive, top)]
            archives += [shared.root] * is_archive(shared.root)
            _make(config, shared, output, annotations, finished, archives)
        output.remove(FOLDER)


def _make(
    config: BuildConfig,
    shared: ShardSettings,
    output: Output,
    annotations: Annotations,
    finished: Finished,
    archives: Sequence[str],
) -> None:
    """Cut the missing shards, and write the manifest unless it exists."""
    if finished.shards:
        logger.info("%s: %d shards are already there", output.url, len(finished.shards))
    tasks = plan_tasks(
        annotations.parts,
        shared,
        seed=config.seed,
        val_fraction=config.val_fraction,
        shard_mb=config.shard_mb,
    )
    keep_inputs(archives, files=[output.where(task.name) for task in tasks])
    results = cut_all(tasks, finished.shards, workers=config.workers, cluster=config.cluster)
    output.remove_leftovers()  # of lost workers
    if finished.manifest:
        check_made_again(output, finished.manifest, results)
    else:
        settings = _settings(config) | {"annotations": combined_digest(annotations.digests)}
        print(finish(output, shared, annotations, results, settings))


def _settings(config: BuildConfig) -> dict[str, Any]:
    """Return the settings that decide the bytes of the shards."""
    settings = dataclasses.asdict(config)
    settings |= settings.pop("filters")
    del settings["folders"]  # the annotations' checksums tell
    settings["src"] = config.name
    for name in ("workers", "cluster", "out", "root", "max_bad_frames", "max_bad_annotations"):
        del settings[name]
    return settings | codec_versions()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        BuildConfig,
        build,
        argv,
        prog="python -m datasets.build",
        common=("src", "root", "out", "workers", "margin", "max_bad_frames", "filters.every"),
        errors=(SourceError, ManifestError),
        after_ctrl_c="shards that are whole stay, and the same command makes the others",
    )


if __name__ == "__main__":
    sys.exit(main())
