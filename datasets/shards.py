"""One shard: a WebDataset tar of crop pairs, and the index rows that point into it.

The bytes of a shard follow from its task alone: fixed order, owner, time and JPEG settings.
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from datasets.boxes import SEARCH_SIZE, TEMPLATE_SIZE, box_center, crop_scale, template_side
from datasets.crops import Image, channel_mean, crop_square, decode_image, encode_jpeg, image_size
from datasets.files import RawFiles, open_root
from datasets.filters import Filters, area_tests
from datasets.tar_writer import TarWriter, sample_key
from datasets.tracks import SourceError, Track
from manifests.atomic import whole_file
from manifests.schema import SCHEMA
from manifests.table import ShardInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackPart:
    """Frames of one track that go into one shard."""

    track: Track
    indices: NDArray[np.intp]
    """Which of the track's frames, ascending."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardTask:
    """Everything that decides the bytes of one shard."""

    root: str
    out: str
    """Folder of the shard and its index."""
    name: str
    source: str
    split: str
    parts: tuple[tuple[TrackPart, ...], ...]
    """Per video, the tracks that are cut from its frames together."""
    filters: Filters
    margin: int
    quality: int
    max_bad_frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardResult:
    """What became of a task."""

    info: ShardInfo
    rows: pl.DataFrame
    """One row a crop pair, columns as in the manifest."""
    dropped: Counter[str]
    """Targets that were planned and not cut, by reason."""
    bad_images: tuple[str, ...]
    """What was wrong with each image that could not be read."""


def build_shard(task: ShardTask, *, progress: Callable[[int], object] = int) -> ShardResult:
    """Cut, encode and write one shard; it is in place only when it is whole.

    Args:
        task: What to cut.
        progress: Called with the number of targets done since the last call.

    Raises:
        SourceError: More than ``max_bad_frames`` images are missing or cannot be read.
    """
    files = open_root(task.root)
    dropped: Counter[str] = Counter()
    bad_images: list[str] = []
    rows: list[dict[str, Any]] = []
    path = Path(task.out) / task.name
    with whole_file(path) as temporary:
        with temporary.open("wb") as file:
            writer = TarWriter(file)
            for parts in task.parts:
                for image_name, targets in _by_image(parts):
                    try:
                        rows += _cut_image(files, image_name, targets, task, writer, dropped)
                    except ValueError as error:
                        bad_images.append(f"{files.root}/{image_name}: {error}")
                        dropped["unreadable image"] += len(targets)
                        if len(bad_images) > task.max_bad_frames:
                            raise too_many_bad_images(bad_images) from error
                    progress(len(targets))
            writer.close()
        digest = writer.sha256
        num_bytes = temporary.stat().st_size
    info = ShardInfo(name=task.name, num_bytes=num_bytes, num_rows=len(rows), sha256=digest)
    table = pl.DataFrame(rows, schema=SCHEMA)
    return ShardResult(info=info, rows=table, dropped=dropped, bad_images=tuple(bad_images))


def too_many_bad_images(messages: Sequence[str]) -> SourceError:
    """Return the error for images that cannot be read, with what was wrong with the last one."""
    more = f" ({len(messages)} such images)" if len(messages) > 1 else ""
    return SourceError(
        f"{messages[-1]}{more}. Restore the file, or allow and count damaged frames with "
        "--max-bad-frames"
    )


def _by_image(
    parts: tuple[TrackPart, ...],
) -> Iterator[tuple[str, list[tuple[Track, int]]]]:
    """Yield each image of a video once, in time order, with the targets in it."""
    targets: dict[tuple[int, str], list[tuple[Track, int]]] = {}
    for part in parts:
        for index in part.indices.tolist():
            key = (int(part.track.frame_numbers[index]), part.track.frames[index])
            targets.setdefault(key, []).append((part.track, index))
    for number, name in sorted(targets):
        yield name, targets[number, name]


def _cut_image(
    files: RawFiles,
    image_name: str,
    targets: list[tuple[Track, int]],
    task: ShardTask,
    writer: TarWriter,
    dropped: Counter[str],
) -> list[dict[str, Any]]:
    """Cut all targets of one image and return their index rows."""
    data = files.read(image_name)
    frame_size = _checked_size(data, targets[0][0].frame_size)
    boxes = [track.boxes_xywh[index] for track, index in targets]
    image, reduce = _decode_for(data, boxes)
    fill = channel_mean(image)
    rows = []
    for (track, index), box in zip(targets, boxes, strict=True):
        failed = area_tests(box[2:3] * box[3:4], frame_size, task.filters)
        reason = next((name for name, test in failed.items() if test[0]), None)
        if reason is not None:
            dropped[reason] += 1
            continue
        crops = _cut_pair(image, box, reduce=reduce, margin=task.margin, fill=fill)
        row = _describe(track, index, frame_size, task)
        rows.append(row | _write_sample(writer, row, crops, task.quality))
    return rows


def _checked_size(data: bytes, stated: tuple[int, int] | None) -> tuple[int, int]:
    size = image_size(data)
    if stated is not None and stated != size:
        raise ValueError(f"the image is {size}, but its annotation is for {stated}")
    return size


def _decode_for(data: bytes, boxes: list[NDArray[np.float64]]) -> tuple[Image, int]:
    """Decode at the smallest size from which no target's crop has to be enlarged."""
    step = min(1 / crop_scale(float(box[2]), float(box[3])) for box in boxes)
    reduce = next(factor for factor in (8, 4, 2, 1) if factor <= max(step, 1))
    return decode_image(data, reduce=reduce), reduce


def _cut_pair(
    image: Image,
    box: NDArray[np.float64],
    *,
    reduce: int,
    margin: int,
    fill: tuple[float, float, float],
) -> tuple[Image, Image]:
    center = box_center(box / reduce)
    step = template_side(float(box[2]), float(box[3])) / TEMPLATE_SIZE / reduce
    template, search = (
        crop_square(image, center=center, side=step * size, size=size, fill=fill)
        for size in (TEMPLATE_SIZE + 2 * margin, SEARCH_SIZE + 2 * margin)
    )
    return template, search


def _describe(
    track: Track, index: int, frame_size: tuple[int, int], task: ShardTask
) -> dict[str, Any]:
    """Return the index row of one target, without its place in the shard."""
    x, y, width, height = track.boxes_xywh[index].tolist()
    flags = {
        name: None if (values := getattr(track, name)) is None else bool(values[index])
        for name in ("occluded", "truncated", "generated")
    }
    return {
        "source": task.source,
        "video": track.video,
        "group": track.group,
        "track": track.name,
        "category": track.category,
        "split": task.split,
        "frame": int(track.frame_numbers[index]),
        "shard": task.name,
        "frame_width": frame_size[0],
        "frame_height": frame_size[1],
        "box_x": x,
        "box_y": y,
        "box_w": width,
        "box_h": height,
        "scale": crop_scale(width, height),
        **flags,
    }


def _write_sample(
    writer: TarWriter, row: dict[str, Any], crops: tuple[Image, Image], quality: int
) -> dict[str, int]:
    """Append a sample's three files and return the places of its two JPEGs."""
    key = sample_key(row["track"], row["frame"])
    place = {}
    for letter, crop in zip("zx", crops, strict=True):
        jpeg = encode_jpeg(crop, quality=quality)
        place[f"{letter}_offset"] = writer.add(f"{key}.{letter}.jpg", jpeg)
        place[f"{letter}_bytes"] = len(jpeg)
        place[f"{letter}_crc32"] = zlib.crc32(jpeg)
    names = ("source", "video", "track", "frame", "category", "split")
    content = {name: row[name] for name in (*names, "occluded", "truncated", "generated")}
    target = [round(row[side] * row["scale"], 3) for side in ("box_w", "box_h")]
    text = json.dumps(content | {"target_size": target}, ensure_ascii=True)
    writer.add(f"{key}.json", text.encode())
    return place
