"""A user's own footage: one folder per video, with its boxes in one of five formats.

Read from ``<root>/<video>/``, or from ``<root>/JPEGImages/<size>/<video>/`` as DAVIS has it:
    000001.jpg ...       frames, also in ``img``, ``img1``, ``images``, ``frames``; or a video file
    groundtruth.txt ...  boxes, see `datasets.sources.boxes`
    groups.csv           in the root, if it exists: ``video,group`` per line; a video without a
                         line is its own group
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from datasets.box_files import read_text
from datasets.files.folders import RawFiles
from datasets.sources.boxes import FORMATS
from datasets.sources.boxes.frames import find_frames, read_video
from datasets.sources.boxes.targets import make_track
from datasets.tracks import SourceError, Track

logger = logging.getLogger(__name__)

_GROUPS = "groups.csv"


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Options of own footage only."""

    name: str | None = None
    """Name of own footage in the manifest, with --src folders."""
    format: Literal["auto", "text", "mot", "cvat", "coco", "masks"] = "auto"
    """Format of the boxes of own footage; auto recognises it per video."""
    origin: Literal[0, 1] | None = None
    """Number of the first pixel in the boxes of own footage: 1 for text and mot by default, 0 for
    cvat and coco; masks have none."""


def list_parts(files: RawFiles, options: FolderOptions = FolderOptions()) -> list[str]:
    """Return the folders of the videos with boxes, and log their formats.

    Raises:
        SourceError: There are none, or a video has boxes in several formats.
    """
    parts = []
    without: list[str] = []
    no_frames: list[str] = []
    counts: Counter[str] = Counter()
    for folder in _list_folders(files):
        if not find_frames(files, folder):
            no_frames += [folder] * _has_boxes(files, folder)
            continue
        kind = _recognise(files, folder, options)
        if kind:
            parts.append(folder)
            counts[kind] += 1
        else:
            without.append(folder)
    for kind, count in sorted(counts.items()):
        logger.info("%s: %s", files.root, _describe(kind, count, options))
    wanted = "boxes" if options.format == "auto" else FORMATS[options.format].what
    if not parts:
        problem = f"no {wanted} in any of {len(without)} videos" if without else "no video"
        raise SourceError(
            f"{files.root}: {problem}, expected one folder per video, such as video1/000001.jpg "
            "and video1/groundtruth.txt. Pass --root with the folder that holds those of the videos"
        )
    if without:
        logger.warning(
            "%s: %d videos have no %s, and are not read, such as %s",
            *(files.root, len(without), wanted, without[0]),
        )
    if no_frames:
        logger.warning(
            "%s: %d folders have boxes but no frames, and are not read, such as %s. Put the images "
            "into it, or into %s/img, or one video file",
            *(files.root, len(no_frames), no_frames[0], no_frames[0]),
        )
    names = {folder.rpartition("/")[2] for folder in (*parts, *without)}
    if foreign := sorted(set(_read_groups(files)) - names):
        logger.warning(
            "%s: no video %s here. Correct the name, if it was meant as one that is",
            *(files.where(_GROUPS), foreign[0]),
        )
    return parts


def read_part(
    files: RawFiles,
    part: str,
    options: FolderOptions = FolderOptions(),
) -> Iterator[Track]:
    """Yield the tracks of a video.

    Raises:
        SourceError: The boxes do not fit the frames, or a row is wrong.
    """
    video = read_video(files, part)
    kind = _recognise(files, part, options)
    assert kind is not None  # list_parts yields no others
    reader = FORMATS[kind]
    origin = reader.origin if options.origin is None or kind == "masks" else options.origin
    group = _read_groups(files).get(video.name, video.name)
    for target in reader.read(files, reader.find(files, part, video.name), video):
        yield make_track(video, target, origin=origin, group=group)


def _list_folders(files: RawFiles) -> list[str]:
    top = files.list("")
    if "JPEGImages" not in top:
        return [name for name in top if not name.startswith(".") and files.list(name)]
    inner = [f"JPEGImages/{name}" for name in files.list("JPEGImages")]
    sizes = [folder for folder in inner if not find_frames(files, folder)]
    videos = [f"{folder}/{name}" for folder in sizes for name in files.list(folder)]
    return videos or inner


def _recognise(files: RawFiles, folder: str, options: FolderOptions) -> str | None:
    """Return the format of a video's boxes; None if it has none."""
    name = folder.rpartition("/")[2]
    wanted = list(FORMATS) if options.format == "auto" else [options.format]
    box_files = {kind: FORMATS[kind].find(files, folder, name) for kind in wanted}
    kinds = [kind for kind in wanted if box_files[kind]]
    if len(kinds) > 1 and "coco" in kinds and not box_files["coco"][0].startswith(f"{folder}/"):
        kinds.remove("coco")  # a file in the root counts where the video has no boxes of its own
    if len(kinds) > 1:
        raise SourceError(
            f"{files.where(folder)}: {' and '.join(FORMATS[kind].what for kind in kinds)}, "
            f"expected one. Choose with --format {kinds[0]} or --format {kinds[1]}"
        )
    return kinds[0] if kinds else None


def _has_boxes(files: RawFiles, folder: str) -> bool:
    """Return True if a folder has files of boxes; JSON files in the root are not counted."""
    name = folder.rpartition("/")[2]
    readers = [reader for kind, reader in FORMATS.items() if kind != "coco"]
    return any(reader.find(files, folder, name) for reader in readers)


def _describe(kind: str, count: int, options: FolderOptions) -> str:
    videos = f"{count} videos" if count > 1 else "1 video"
    if kind == "masks":
        return f"{videos} with {FORMATS[kind].what}"
    origin = FORMATS[kind].origin if options.origin is None else options.origin
    return (
        f"{videos} with {FORMATS[kind].what}, pixels counted from {origin} "
        "(others with --format and --origin)"
    )


def _read_groups(files: RawFiles) -> dict[str, str]:
    """Return the groups of videos in ``groups.csv``."""
    if not files.exists(_GROUPS):
        return {}
    where = files.where(_GROUPS)
    groups: dict[str, str] = {}
    for number, line in enumerate(read_text(files, _GROUPS).splitlines(), 1):
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 2 or not all(cells):
            raise SourceError(f"{where}:{number}: {line[:60]!r}, expected video,group. Correct it")
        if number == 1 and cells == ["video", "group"]:
            continue
        if groups.setdefault(cells[0], cells[1]) != cells[1]:
            raise SourceError(
                f"{where}:{number}: {cells[0]} is in {groups[cells[0]]} and in {cells[1]}, "
                "expected one group per video. Remove a line"
            )
    return groups
