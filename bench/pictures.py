"""Make the pictures of the README and of docs/ from the made-up world.

python -m bench.pictures --out docs/pictures
"""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
from cv2.typing import MatLike

from commands.files import write_whole
from commands.run import run_command
from datasets.box_files import read_box_file
from datasets.images import decode_image
from tests.support.browser import find_chromium, screenshot
from tracking import Tracker
from tracking.drawing import draw_boxes

logger = logging.getLogger(__name__)

_SOURCES = ("vid", "coco", "uav123", "lasot")
_WIDTH_PX = 830
"""Width of a README on screen: pictures are not scaled, and text stays readable."""
_HEIGHTS_PX = {"report": 1601, "pairs": 808, "overlap": 931}
"""Where each page is cut off, after a whole row of it."""
_NUM_CROPS = "12"
_SEQUENCE = "Made7"
"""Made-up sequence of the animation."""


@dataclass(frozen=True, kw_only=True)
class PicturesConfig:
    """Make the pictures of the README and of docs/ from the made-up world."""

    out: Path = Path("docs/pictures")
    """Folder to write to."""
    scale: Literal["small", "tiny"] = "small"
    """Of the world."""


def pictures(config: PicturesConfig) -> None:
    """Write crops.png, and where a Chromium is installed a picture of each page."""
    config.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        world, shards = Path(folder) / "world", Path(folder) / "shards"
        _run("datasets.sample", "--out", str(world), "--scale", config.scale)
        for source in _SOURCES:
            places = ["--root", str(world / source), "--out", str(shards / source)]
            _run("datasets.build", "--src", source, *places, "--margin", "32")
        manifests = [str(shards / source / "manifest.parquet") for source in _SOURCES]
        crops = Path(folder) / "crops.png"
        _run(
            "datasets.report",
            "--manifests",
            *manifests,
            "--out",
            str(crops),
            "--num-crops",
            _NUM_CROPS,
        )
        _shrink(crops, config.out / "crops.png")
        pages = {name: Path(folder) / f"{name}.html" for name in _HEIGHTS_PX}
        _run("datasets.report", "--manifests", *manifests, "--out", str(pages["report"]))
        preview = ["--recipe", "paper-finetune-aug", "--out", str(pages["pairs"])]
        _run("sampling.preview", "--manifests", *manifests, *preview)
        against = ["--against", str(world / "uav123")]
        _run(
            "datasets.overlap", "--manifests", *manifests, *against, "--out", str(pages["overlap"])
        )
        _photograph(pages, config.out, Path(folder))
        _animate(world / "OTB100" / _SEQUENCE, config.out / "tracked.gif")


def _animate(sequence: Path, out: Path) -> None:
    """Write an animation of the shipped network on a sequence."""
    truth = read_box_file(sequence / "groundtruth_rect.txt") - (1, 1, 0, 0)
    tracker = Tracker.from_pretrained()
    frames: list[MatLike] = []
    for path in sorted((sequence / "img").iterdir())[: len(truth)]:
        image = decode_image(path.read_bytes())
        if frames:
            box = tracker.update(image).box_xywh
        else:
            tracker.init(image, box := truth[0])
        drawn = draw_boxes(image, {"DCFFNet": box}, colors={"DCFFNet": (255, 64, 48)}, caption="")
        frames.append(cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    animation = cv2.Animation()
    animation.frames = frames[::3]
    animation.durations = [120] * len(animation.frames)
    cv2.imwriteanimation(str(out), animation)
    print(out)


def _photograph(pages: dict[str, Path], out: Path, folder: Path) -> None:
    chromium = find_chromium()
    if chromium is None:
        logger.warning("no Chromium is installed: the pictures of pages stay as they are")
        return
    for name, page in pages.items():
        profile = folder / f"profile-{name}"
        picture = out / f"{name}.png"
        height = _HEIGHTS_PX[name]
        screenshot(chromium, page, picture, profile=profile, width=_WIDTH_PX, height=height)
        _shrink(picture, picture)


def _shrink(source: Path, out: Path) -> None:
    """Write the picture as wide as the others, in as few bytes as PNG can do."""
    image = cv2.imread(str(source))
    assert image is not None
    height = round(image.shape[0] * _WIDTH_PX / image.shape[1])
    small = cv2.resize(image, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    write_whole(str(out), data.tobytes())
    print(out)


def _run(module: str, *options: str) -> None:
    subprocess.run([sys.executable, "-m", module, *options], check=True, stdout=subprocess.DEVNULL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 2 a wrong option."""
    return run_command(PicturesConfig, pictures, argv, prog="python -m bench.pictures")


if __name__ == "__main__":
    sys.exit(main())
