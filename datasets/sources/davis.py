"""DAVIS and YouTube-VOS: videos with a mask per object; a box is the extent of a mask.

Read from ``<root>/`` or ``<root>/train/`` (or from the one folder in it that holds these two):
    JPEGImages/480p/<video>/00000.jpg ...    frames; without ``480p`` in YouTube-VOS
    Annotations/480p/<video>/00000.png ...   masks, see `datasets.sources.boxes.masks`
    meta.json                                classes of the objects, in YouTube-VOS

YouTube-VOS has masks for every fifth frame; frames without one are not read. Its part ``valid``
has masks of the first frames only, and is not read.
"""

import logging
from collections.abc import Hashable, Iterator
from functools import lru_cache

from commands.json_files import parse_json
from datasets.files.folders import RawFiles
from datasets.sources.boxes import masks
from datasets.sources.boxes.frames import read_video
from datasets.sources.boxes.targets import make_track
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_SIZES = ("480p", "Full-Resolution", "1080p")
_IMAGES, _MASKS = "JPEGImages", "Annotations"


def list_parts(files: RawFiles) -> list[str]:
    """Return the image folders of the videos with masks.

    Raises:
        SourceError: There are none.
    """
    parts: list[str] = []
    num_absent = 0
    for base in _find_bases(files):
        there = files.list(f"{base}{_IMAGES}")
        # The sizes show the same videos: the first is read.
        size = next((f"{name}/" for name in _SIZES if name in there), "")
        images = set(files.list(f"{base}{_IMAGES}/{size}".rstrip("/")))
        annotated = set(files.list(f"{base}{_MASKS}/{size}".rstrip("/")))
        parts += [f"{base}{_IMAGES}/{size}{name}" for name in sorted(images & annotated)]
        num_absent += len(images ^ annotated)
    if not parts:
        raise SourceError(
            f"{files.root}: no video with masks, expected such as JPEGImages/480p/bear and "
            "Annotations/480p/bear. Pass --root with the folder that holds 'JPEGImages'"
        )
    if num_absent:
        logger.warning("%s: %d videos have no frames or no masks here", files.root, num_absent)
    return parts


def read_part(files: RawFiles, part: str) -> Iterator[Track]:
    """Yield the tracks of a video, by the values of the masks.

    Raises:
        SourceError: A mask is damaged, or of no frame.
    """
    video = read_video(files, part)
    assert isinstance(files, Hashable)  # by identity
    classes = _classes(files, f"{part.rpartition(_IMAGES)[0]}meta.json").get(video.name, {})
    for target in masks.read_masks(files, masks.find(files, part, video.name), video, classes):
        yield make_track(video, target, origin=0, group=video.name)


def _find_bases(files: RawFiles) -> list[str]:
    names = files.list("")
    bases = ["", "train/", *(f"{name}/" for name in names), *(f"{name}/train/" for name in names)]
    candidates = [base for base in dict.fromkeys(bases) if "valid" not in base.split("/")]
    return [base for base in candidates if _IMAGES in files.list(base.rstrip("/"))][:1]


@lru_cache(maxsize=4)
def _classes(files: RawFiles, name: str) -> dict[str, dict[int, str]]:
    """Return the classes of the objects by video, from YouTube-VOS's table."""
    if not files.exists(name):
        return {}
    try:
        return {
            video: {int(number): str(item["category"]) for number, item in entry["objects"].items()}
            for video, entry in parse_json(files.read(name))["videos"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{files.where(name)}: not readable as YouTube-VOS's table ({error!r}). Get it again"
        ) from None
