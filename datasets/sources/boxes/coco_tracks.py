"""COCO JSON with tracks: annotations with a ``track_id`` (or ``instance_id``), as of COCO-VID.

A file in the video's folder is of this video. One in the root or its ``annotations`` is of all:
an image with the video's name among its folders belongs to it, one without folders to the video of
its ``video_id``, or that has a frame of this name. The track's number may also be in the
annotation's ``attributes``, as CVAT writes it.
"""

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

from commands.json_files import parse_json
from datasets.files.folders import RawFiles
from datasets.sources.boxes.frames import list_inner
from datasets.sources.boxes.targets import Row, Target, Video
from datasets.tracks import SourceError

_ADVICE = "Correct the file, or export it again"
_FOLDERS = ("", "annotations")


def find(files: RawFiles, folder: str, name: str) -> list[str]:
    """Return the JSON files in the video's folder, or else in the root."""
    for parent in (folder, ""):
        names = [
            "/".join(filter(None, (parent, inner, entry)))
            for inner in _FOLDERS
            for entry in list_inner(files, parent, inner)
            if entry.lower().endswith(".json")
        ]
        if names:
            return names
    return []


def read(files: RawFiles, names: list[str], video: Video) -> list[Target]:
    """Return the targets, by their track numbers.

    Raises:
        SourceError: The file, an image or an annotation is wrong; the message has its number.
    """
    where = files.where(names[0])
    if len(names) > 1:
        raise SourceError(f"{files.where(names[1])}: a second JSON file, expected one. Remove it")
    assert isinstance(files, Hashable)  # by identity
    lists = _load(files, names[0])
    is_own = names[0].startswith(f"{video.folder}/")
    names_of_videos = {str(item.get("id")): item.get("name") for item in lists["videos"]}
    images = _match_images(lists["images"], video, names_of_videos, where=where, is_own=is_own)
    categories = {
        item["id"]: str(item.get("name", "object"))
        for item in lists["categories"]
        if isinstance(item.get("id"), int)
    }
    targets: dict[int, Target] = {}
    for number, item in enumerate(lists["annotations"], start=1):
        entry = f"{where}: annotation {item.get('id', f'number {number}')!s:.40}"
        image, box = item.get("image_id"), item.get("bbox")
        if not isinstance(image, int) or image not in images:
            raise SourceError(f"{entry}: image_id {image!r} is no image of the file. {_ADVICE}")
        index = images[image]
        if index is None:
            continue
        track = _track_id(item, entry)
        if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
            raise SourceError(f"{entry}: bbox is {box!r:.60}, expected four numbers. {_ADVICE}")
        category = item.get("category_id")
        if not isinstance(category, int) or category not in categories:
            raise SourceError(f"{entry}: category_id {category!r} is not in the file. {_ADVICE}")
        target = targets.setdefault(track, Target(name=str(track), category=categories[category]))
        x, y, w, h = box
        attributes = item.get("attributes")
        occluded = isinstance(attributes, dict) and attributes.get("occluded") is True
        target.add(Row(index, (x, y, w, h), occluded=occluded), where=entry)
    return [targets[track] for track in sorted(targets)]


@lru_cache(maxsize=2)
def _load(files: RawFiles, name: str) -> dict[str, list[dict[str, Any]]]:
    """Return the lists of a file; that of videos is empty where it has none."""
    where = files.where(name)
    try:
        table = parse_json(files.read(name))
    except ValueError as error:
        raise SourceError(f"{where}: not readable as JSON ({error}). {_ADVICE}") from None
    lists = {key: _list(table, key, where) for key in ("images", "annotations", "categories")}
    return lists | {"videos": _list(table, "videos", where) if "videos" in table else []}


def _list(table: Any, key: str, where: str) -> list[dict[str, Any]]:
    entries = table.get(key) if isinstance(table, dict) else None
    if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
        raise SourceError(f"{where}: no list of {key}, as COCO's JSON has. {_ADVICE}")
    return entries


def _match_images(
    entries: list[dict[str, Any]],
    video: Video,
    names_of_videos: Mapping[str, Any],
    *,
    where: str,
    is_own: bool,
) -> dict[int, int | None]:
    """Return the index of the frame of each image id, None for images of other videos."""
    frames = {name.rpartition("/")[2]: index for index, name in enumerate(video.frames)}
    images: dict[int, int | None] = {}
    used: dict[int, int] = {}
    for item in entries:
        image, name = item.get("id"), item.get("file_name")
        if not isinstance(image, int) or not isinstance(name, str):
            raise SourceError(
                f"{where}: an image with id {image!r} and file_name {name!r}. {_ADVICE}"
            )
        *folders, base = name.replace("\\", "/").split("/")
        name_of_video = names_of_videos.get(str(item.get("video_id")), video.name)
        is_here = is_own or (video.name in folders if folders else name_of_video == video.name)
        index = images[image] = frames.get(base) if is_here else None
        if index is None and (is_own or video.name in folders):
            raise SourceError(
                f"{where}: image {image}: no frame {name!r:.60} in the folder. {_ADVICE}"
            )
        if index is not None and used.setdefault(index, image) != image:
            raise SourceError(
                f"{where}: images {used[index]} and {image} are both frame {base!r:.60} of "
                f"{video.name}. Write the video's folder before the names, or a list of videos"
            )
    return images


def _track_id(item: dict[str, Any], where: str) -> int:
    attributes = item.get("attributes")
    for source in (item, attributes if isinstance(attributes, dict) else {}):
        for key in ("track_id", "instance_id"):
            if isinstance(value := source.get(key), int):
                return value
            if value is not None:
                raise SourceError(f"{where}: {key} is {value!r:.40}, expected a whole number")
    raise SourceError(
        f"{where} has no track_id, which joins the boxes of a target. Export tracks, or build "
        "single images with --src coco"
    )


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e9  # type: ignore[arg-type]
