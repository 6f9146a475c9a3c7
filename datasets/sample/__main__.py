"""Write a small raw world in the native layouts of all sources and of two benchmarks.

    python -m datasets.sample --out data/sample
    python -m datasets.sample --out data/tiny --seed 1 --scale tiny

Below ``--out`` is a folder per source, each a root for ``datasets.build``: many videos in ``vid``,
``coco``, ``uav123`` and ``lasot``, and two in ``got10k``, ``trackingnet``, ``mot``, ``davis``,
``det`` and ``folders``. ``OTB100`` and ``vot2018`` are to evaluate on. Photographs of scikit-image
are the backgrounds, and objects cut from other photographs move in front of them. The same seed
gives the same bytes.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from commands.choices import Seed
from commands.files import naming_full_disk, naming_place
from commands.run import run_command
from datasets.sample.benchmarks import write_otb, write_vot
from datasets.sample.layouts import write_layouts
from datasets.sample.sources import World, write_coco, write_lasot, write_uav123, write_vid
from datasets.sample.sprites import TEST_PHOTOS, TRAIN_PHOTOS, load_photos
from datasets.sources.lasot import training_videos
from datasets.tracks import SourceError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """Write a small raw world to try everything on."""

    out: str
    """Folder to write; it must be absent, empty, or hold the same world."""
    seed: Seed = 0
    """Seed of the world."""
    scale: Literal["small", "tiny"] = "small"
    """small: enough to train a narrow network on; tiny: for tests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    size: tuple[int, int]
    test_size: tuple[int, int]
    pace: int
    vid: tuple[int, int]
    coco: int
    uav123: tuple[str, ...]
    lasot: tuple[str, ...]
    lasot_frames: int
    otb: tuple[int, int]
    vot: tuple[int, int]


_LASOT_NAMES = (
    *("airplane-10", "airplane-1", "rubicCube-2", "zebra-1", "lion-3", "tank-17", "bear-1"),
    *("bicycle-1", "boat-1", "cup-2", "dog-2", "drone-1", "kite-1", "pool-1", "robot-2"),
    *("skateboard-1", "train-2", "yoyo-1"),
)
"""Official names; airplane-1 is of the testing split, which must never be read."""

_SCALES = {
    "small": _Scale(
        size=(480, 360),
        test_size=(360, 270),
        pace=4,
        vid=(120, 9),
        coco=160,
        uav123=(
            *("uav6", "uav2", "uav5", "uav4", "person22", "wakeboard7"),
            *("person2_s", "car2_s", "uav3", "truck4", "bird1"),
        ),
        lasot=tuple(dict.fromkeys([*_LASOT_NAMES, *(v[0] for v in training_videos().values())])),
        lasot_frames=14,
        otb=(8, 60),
        vot=(2, 60),
    ),
    "tiny": _Scale(
        size=(160, 120),
        test_size=(160, 120),
        pace=1,
        vid=(6, 14),
        coco=8,
        uav123=("uav6", "uav2"),
        lasot=_LASOT_NAMES[:5],
        lasot_frames=16,
        otb=(2, 16),
        vot=(1, 16),
    ),
}


def write_sample(config: SampleConfig) -> None:
    """Write the world under a temporary name, and rename it when it is complete.

    Raises:
        SourceError: The folder holds something else, or a photograph is missing.
    """
    out = Path(config.out)
    mark = {"seed": config.seed, "scale": config.scale}
    if out.exists() and any(out.iterdir()):
        mark_path = out / "sample.json"
        if mark_path.is_file() and json.loads(mark_path.read_text(encoding="ascii")) == mark:
            logger.info("%s: already there", out)
            return
        raise SourceError(
            f"{out}: the folder holds something else. Pass another --out, or remove it"
        )
    with naming_place(str(out)):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=f".{out.name[:100]}-", dir=out.parent)
    with folder as temporary, naming_full_disk(str(out)):
        partial = Path(temporary) / "world"
        _write(partial, config.seed, _SCALES[config.scale])
        (partial / "sample.json").write_text(json.dumps(mark) + "\n", encoding="ascii")
        if out.exists():
            out.rmdir()
        partial.rename(out)
    logger.info("%s: written", out)


def _write(root: Path, seed: int, scale: _Scale) -> None:
    training = World(
        root=root, photos=load_photos(TRAIN_PHOTOS), seed=seed, size=scale.size, pace=scale.pace
    )
    write_vid(training, num_videos=scale.vid[0], num_frames=scale.vid[1])
    write_coco(training, num_images=scale.coco)
    write_uav123(training, folders=scale.uav123)
    write_lasot(training, names=scale.lasot, num_frames=scale.lasot_frames)
    write_layouts(training, num_videos=2, num_frames=scale.vid[1])
    testing = World(root=root, photos=load_photos(TEST_PHOTOS), seed=seed, size=scale.test_size)
    write_otb(testing, num_sequences=scale.otb[0], num_frames=scale.otb[1])
    write_vot(testing, num_sequences=scale.vot[0], num_frames=scale.vot[1])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        SampleConfig, write_sample, argv, prog="python -m datasets.sample", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
