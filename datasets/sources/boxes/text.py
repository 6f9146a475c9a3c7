"""Boxes as text: ``x,y,w,h`` per frame, or ``frame,x,y,w,h``; one file per target.

``frame`` is the number in the image's name, or counts a video file's frames from 0. A box of NaN or
without area is a frame without the target. The first line may name the columns.
"""

import re
from collections.abc import Mapping

from datasets.box_files import parse_rows, read_text
from datasets.files.folders import RawFiles
from datasets.sources.boxes.targets import Row, Target, Video
from datasets.tracks import SourceError

_NAMES = re.compile(r"(groundtruth.*|boxes.*)\.(txt|csv)", re.ASCII)
_SHORT = {"left": "x", "top": "y", "width": "w", "height": "h"}
_HEADERS = (["x", "y", "w", "h"], ["frame", "x", "y", "w", "h"])
_ADVICE = ", expected x,y,w,h or frame,x,y,w,h. Correct the line"


def find(files: RawFiles, folder: str, name: str) -> list[str]:
    """Return the files of boxes, one per target."""
    names = [
        entry
        for entry in files.list(folder)
        if _NAMES.fullmatch(entry) or entry in (f"{name}.txt", f"{name}.csv")
    ]
    return [f"{folder}/{entry}" for entry in sorted(names, key=_natural_key)]


def read(files: RawFiles, names: list[str], video: Video) -> list[Target]:
    """Return one target per file, numbered from 1.

    Raises:
        SourceError: A row is wrong; the message has file and line.
    """
    return [
        _read_target(files, name, video, Target(name=str(number)))
        for number, name in enumerate(names, start=1)
    ]


def _read_target(files: RawFiles, name: str, video: Video, target: Target) -> Target:
    where = files.where(name)
    text = read_text(files, name)
    first, _, rest = text.partition("\n")
    if re.match(r"[\s\"]*[a-z]+\b", first, re.I) and not re.match(r"\s*(nan|inf)\b", first, re.I):
        names = re.split(r"[,;\s]+", first.lower().replace('"', "").strip())
        if [_SHORT.get(name, name) for name in names] not in _HEADERS:
            raise SourceError(f"{where}:1: the columns are {first.strip()[:60]!r}{_ADVICE}")
        text = f"\n{rest}"
    rows = parse_rows(text, where=where, advice=_ADVICE)
    if not rows:
        raise SourceError(f"{where}: empty, expected one box per line")
    width = len(next(iter(rows.values())))
    for number, row in rows.items():
        if len(row) != width or width not in (4, 5):
            raise SourceError(f"{where}:{number}: {len(row)} numbers{_ADVICE}")
    if width == 4:
        _check_rows(where, rows, video)
    for position, (number, row) in enumerate(rows.items()):
        index, line = position, f"{where}:{number}"
        if width == 5:
            if not row[0].is_integer():
                raise SourceError(f"{line}: frame {row[0]:g}, expected a whole number{_ADVICE}")
            index = video.index(int(row[0]), first=None, where=line)
        x, y, w, h = row[-4:]
        target.add(Row(index, (x, y, w, h)), where=line)
    return target


def _check_rows(where: str, rows: Mapping[int, list[float]], video: Video) -> None:
    """Raise SourceError unless there is one row per frame, without blank lines between."""
    lines = list(rows)
    for number, line in enumerate(lines, start=lines[0]):
        if number != line:
            raise SourceError(f"{where}:{number}: a blank line between others{_ADVICE}")
    if len(lines) != len(video.frames):
        raise SourceError(
            f"{where}:{lines[-1]}: {len(lines)} boxes, expected {len(video.frames)}, one per image "
            f"of {video.name}. Remove the images without a box, or write frame,x,y,w,h"
        )


def _natural_key(name: str) -> list[int | str]:
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]
