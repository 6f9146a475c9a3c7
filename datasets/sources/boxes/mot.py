"""MOTChallenge: ``gt/gt.txt``, a line ``frame,id,left,top,width,height,confidence...`` per box.

Frames are counted from 1. A confidence of 0 is a box that does not count. A file of nine columns
also has class and visible share (MOT16 and later); one of ten has positions in the world.
"""

from collections.abc import Mapping

from datasets.box_files import parse_rows, read_text
from datasets.files.folders import RawFiles
from datasets.sources.boxes.frames import list_inner
from datasets.sources.boxes.targets import Row, Target, Video
from datasets.tracks import SourceError

_ADVICE = ", expected frame,id,left,top,width,height,... of 6 to 10 numbers. Correct the line"
_WITH_CLASS = 9


def find(files: RawFiles, folder: str, name: str) -> list[str]:
    """Return the file of boxes."""
    return [f"{folder}/gt/gt.txt"] if "gt.txt" in list_inner(files, folder, "gt") else []


def read(files: RawFiles, names: list[str], video: Video) -> list[Target]:
    """Return the targets; classes have the names of ``gt/labels.txt``, if it exists.

    Raises:
        SourceError: A row is wrong; the message has file and line.
    """
    labels = f"{names[0].rpartition('/')[0]}/labels.txt"
    categories: dict[int, str] = {}
    if files.exists(labels):
        lines = read_text(files, labels).splitlines()
        categories = {number: line.strip() for number, line in enumerate(lines, 1) if line.strip()}
    return read_gt(files, names[0], video, categories)


def read_gt(
    files: RawFiles, name: str, video: Video, categories: Mapping[int, str]
) -> list[Target]:
    """Return the targets of a file, by their ids.

    Args:
        files: The raw root.
        name: The file.
        video: Its video.
        categories: Names of the classes, others being ``"object"``; class 1 is that of a file
            without classes.

    Raises:
        SourceError: A row is wrong; the message has file and line.
    """
    where = files.where(name)
    rows = parse_rows(read_text(files, name), where=where, advice=_ADVICE)
    if not rows:
        raise SourceError(f"{where}: empty, expected one box per line")
    targets: dict[int, Target] = {}
    for number, row in rows.items():
        line = f"{where}:{number}"
        if not 6 <= len(row) <= 10:
            raise SourceError(f"{line}: {len(row)} numbers{_ADVICE}")
        frame, target_id, *box = row[:6]
        if not (frame.is_integer() and target_id.is_integer()):
            raise SourceError(f"{line}: frame {frame:g} and id {target_id:g}{_ADVICE}")
        has_class = len(row) == _WITH_CLASS
        if has_class and not row[7].is_integer():
            raise SourceError(f"{line}: class {row[7]:g}, expected a whole number{_ADVICE}")
        category = categories.get(int(row[7]) if has_class else 1, "object")
        target = targets.setdefault(
            int(target_id), Target(name=str(int(target_id)), category=category)
        )
        visible = (len(row) == 6 or row[6] != 0) and not (has_class and row[8] == 0)
        index = video.index(int(frame), first=1, where=line)
        occluded = has_class and 0 < row[8] < 1
        x, y, w, h = box
        target.add(Row(index, (x, y, w, h), visible=visible, occluded=occluded), where=line)
    return [targets[target_id] for target_id in sorted(targets)]
