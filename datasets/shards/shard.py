"""One shard: a WebDataset tar of crop pairs, and the index rows that point into it.

The bytes of a shard follow from its task alone: fixed order, owner, time and JPEG settings.
"""

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
from isal.isal_zlib import crc32

from datasets.executors import count_done
from datasets.files.output import Output
from datasets.files.prefetch import prefetch
from datasets.files.roots import open_root
from datasets.files.video_frames import VideoFrames
from datasets.images import Image, codec_versions, encode_jpeg
from datasets.levels import FindLevels, levels_of
from datasets.shards.cut import FrameCutter
from datasets.shards.progress import write_index
from datasets.shards.tar import TarWriter, sample_key
from datasets.shards.tasks import ShardResult, ShardTask, TrackPart
from datasets.tracks import SourceError, Track
from manifests.schema import SCHEMA
from manifests.shards import ShardInfo

_Targets = list[tuple[Track, int]]
"""Tracks, with the index of the frame in each."""


def build_shard(task: ShardTask, *, progress: Callable[[int], object] = count_done) -> ShardResult:
    """Cut, encode and write one shard and then its index; files appear when they are whole.

    Args:
        task: The shard to build.
        progress: Called with the number of targets finished since the last call.

    Raises:
        SourceError: More than ``max_bad_frames`` images are missing or cannot be read, or this
            process has other versions of the libraries than the one that planned the build.
    """
    settings = task.settings
    if settings.codecs != codec_versions():
        raise SourceError(
            f"{socket.gethostname()}: this worker has {codec_versions()}, expected "
            f"{settings.codecs}, or the bytes would differ. Install the same versions for the "
            "build and its workers"
        )
    output = Output(settings.out)
    dropped: Counter[str] = Counter()
    bad_images: list[str] = []
    rows: list[dict[str, Any]] = []
    images = [image for parts in task.parts for image in _by_image(parts)]
    files = VideoFrames(open_root(settings.root))
    with output.new_file(task.name) as path, path.open("wb") as file:
        writer = TarWriter(file)
        contents = prefetch(files, [name for name, _ in images])
        for (name, targets), read in zip(images, contents, strict=True):
            try:
                rows += _cut_image(read(), levels_of(files, name), targets, task, writer, dropped)
            except SourceError as error:  # its message has the file
                bad_images.append(str(error))
            except ValueError as error:
                bad_images.append(f"{files.where(name)}: {error}")
            else:
                progress(len(targets))
                continue
            dropped["unreadable image"] += len(targets)
            progress(len(targets))
            if len(bad_images) > settings.max_bad_frames:
                raise too_many_bad_images(bad_images)
        num_bytes = writer.close()
    result = ShardResult(
        info=ShardInfo(
            name=task.name, num_bytes=num_bytes, num_rows=len(rows), sha256=writer.sha256
        ),
        dropped=dropped,
        bad_images=tuple(bad_images),
    )
    write_index(output, result, pl.DataFrame(rows, schema=SCHEMA))
    return result


def too_many_bad_images(messages: Sequence[str]) -> SourceError:
    """Return the error for unreadable images, with the problem of the last one."""
    more = f" ({len(messages)} such images)" if len(messages) > 1 else ""
    return SourceError(
        f"{messages[-1]}{more}. Restore the file, or allow and count damaged frames with "
        "--max-bad-frames"
    )


def _by_image(parts: tuple[TrackPart, ...]) -> Iterator[tuple[str, _Targets]]:
    """Yield each image of a video once, in time order, with the targets in it."""
    targets: dict[tuple[int, str], _Targets] = {}
    for part in parts:
        for index in part.indices.tolist():
            key = (int(part.track.frame_numbers[index]), part.track.frames[index])
            targets.setdefault(key, []).append((part.track, index))
    for number, name in sorted(targets):
        yield name, targets[number, name]


def _cut_image(
    data: bytes,
    levels: FindLevels,
    targets: _Targets,
    task: ShardTask,
    writer: TarWriter,
    dropped: Counter[str],
) -> list[dict[str, Any]]:
    """Cut all targets of one image and return their index rows."""
    boxes = [track.boxes_xywh[index] for track, index in targets]
    stated_size = targets[0][0].frame_size
    frame = FrameCutter(
        data, boxes, stated_size=stated_size, crop=task.settings.crop, levels=levels
    )
    rows = []
    for number, crops in frame.pairs(task.settings.filters, dropped):
        row = _describe(*targets[number], frame.frame_size, task)
        rows.append(row | _write_sample(writer, row, crops, task.settings.quality))
    return rows


def _describe(
    track: Track, index: int, frame_size: tuple[int, int], task: ShardTask
) -> dict[str, Any]:
    """Return the index row of one target, without its location in the shard."""
    x, y, width, height = track.boxes_xywh[index].tolist()
    flags = {
        name: None if (values := getattr(track, name)) is None else bool(values[index])
        for name in ("occluded", "truncated", "generated")
    }
    return {
        "source": task.settings.source,
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
        "scale": task.settings.crop.scale(width, height),
        **flags,
    }


def _write_sample(
    writer: TarWriter, row: dict[str, Any], crops: tuple[Image, Image], quality: int
) -> dict[str, int]:
    """Append a sample's three files and return the locations of its two JPEGs."""
    key = sample_key(row["track"], row["frame"])
    location = {}
    for letter, crop in zip("zx", crops, strict=True):
        jpeg = encode_jpeg(crop, quality=quality)
        location[f"{letter}_offset"] = writer.add(f"{key}.{letter}.jpg", jpeg)
        location[f"{letter}_bytes"] = len(jpeg)
        location[f"{letter}_crc32"] = crc32(jpeg)
    names = ("source", "video", "track", "frame", "category", "split")
    content = {name: row[name] for name in (*names, "occluded", "truncated", "generated")}
    target = [round(row[side] * row["scale"], 3) for side in ("box_w", "box_h")]
    text = json.dumps(content | {"target_size": target}, ensure_ascii=True)
    writer.add(f"{key}.json", text.encode())
    return location
