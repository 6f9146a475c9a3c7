"""A benchmark and training shards of any size, of a few pictures that are stored many times."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from datasets.files import open_root
from datasets.images import encode_jpeg
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.overlap.footage import target_window
from datasets.shards.tar import TarWriter, sample_key
from manifests.crop_spec import CropSpec
from manifests.schema import SCHEMA
from manifests.shards import ShardInfo
from manifests.table import Metadata, write_manifest
from tests.support.crops import made_crop

_FRAME_SIZES = ((1280, 720), (640, 480))
_FRAMES_PER_SEQUENCE, _CROPS_PER_TRACK, _TRACKS_PER_SHARD = 500, 250, 40
_TARGET_PX = (63.5, 63.5)
_BOX_PX = 80


def write_benchmark(root: Path, *, num_frames: int, num_pictures: int) -> None:
    """Write sequences in OTB's layout; their frames are links to a few JPEGs of two sizes."""
    rng = np.random.default_rng(0)
    pictures = root / "pictures"
    pictures.mkdir(parents=True)
    for number in range(num_pictures):
        width, height = _FRAME_SIZES[number % 2]
        image = made_crop(width, _TARGET_PX, rng)[:height]
        (pictures / str(number)).write_bytes(encode_jpeg(image, quality=90))
    for sequence, first in enumerate(range(0, num_frames, _FRAMES_PER_SEQUENCE)):
        folder = root / f"sequence-{sequence:04d}" / "img"
        folder.mkdir(parents=True)
        boxes = []
        for frame in range(min(_FRAMES_PER_SEQUENCE, num_frames - first)):
            number = 2 * ((7 * sequence + frame) % (num_pictures // 2)) + sequence % 2
            (folder / f"{frame + 1:04d}.jpg").hardlink_to(pictures / str(number))
            boxes.append(f"{100 + frame % 400},{100 + sequence % 200},{_BOX_PX},{_BOX_PX}")
        (folder.parent / "groundtruth_rect.txt").write_text("\n".join(boxes) + "\n")
    for link in pictures.iterdir():
        link.unlink()
    pictures.rmdir()


def write_training(folder: Path, benchmark: Path, *, num_crops: int, num_pictures: int) -> str:
    """Write shards and a manifest; the first track shows the benchmark's first sequence."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    template = encode_jpeg(made_crop(CropSpec.template, _TARGET_PX, rng))
    searches = [
        encode_jpeg(made_crop(CropSpec.search, _TARGET_PX, rng)) for _ in range(num_pictures)
    ]
    footage = list(_footage_crops(benchmark))
    per_shard = _CROPS_PER_TRACK * _TRACKS_PER_SHARD
    parts, shards = [], []
    for number, first in enumerate(range(0, num_crops, per_shard)):
        rows = range(first, min(first + per_shard, num_crops))
        jpegs = [footage[i] if i < len(footage) else searches[i % num_pictures] for i in rows]
        part, info = _write_shard(folder / f"vid-{number:06d}.tar", rows.start, template, jpegs)
        parts.append(part)
        shards.append(info)
    url = str(folder / "manifest.parquet")
    write_manifest(url, pl.concat(parts), Metadata(source="vid", shards=tuple(shards)))
    return url


def _footage_crops(benchmark: Path) -> Iterator[bytes]:
    files = open_root(str(benchmark))
    track = read_benchmark(files)[0]
    for frame in range(min(_CROPS_PER_TRACK, len(track.frames))):
        yield encode_jpeg(target_window(files, track, frame, CropSpec()))


def _write_shard(
    path: Path, first: int, template: bytes, searches: list[bytes]
) -> tuple[pl.DataFrame, ShardInfo]:
    rows: list[dict[str, Any]] = []
    with path.open("wb") as file:
        writer = TarWriter(file)
        for number, search in enumerate(searches, start=first):
            track, frame = divmod(number, _CROPS_PER_TRACK)
            name = f"track-{track:05d}"
            row: dict[str, Any] = {"video": name, "group": name, "track": name, "frame": frame}
            for letter, jpeg in (("z", template), ("x", search)):
                key = f"{sample_key(name, frame)}.{letter}.jpg"
                row[f"{letter}_offset"] = writer.add(key, jpeg)
                row[f"{letter}_bytes"] = len(jpeg)
                row[f"{letter}_crc32"] = zlib.crc32(jpeg)
            rows.append(row)
        num_bytes = writer.close()
    constants = {"source": "vid", "category": "thing", "split": "train", "shard": path.name}
    sizes = {"frame_width": 1280, "frame_height": 720, "scale": 1.0}
    boxes = dict.fromkeys(("box_x", "box_y", "box_w", "box_h"), 60.0)
    unknown = dict.fromkeys(("occluded", "truncated", "generated"))
    table = pl.DataFrame(rows).with_columns(
        pl.lit(value).alias(name) for name, value in (constants | sizes | boxes | unknown).items()
    )
    info = ShardInfo(name=path.name, num_bytes=num_bytes, num_rows=len(rows), sha256=writer.sha256)
    return table.select(SCHEMA.names()).cast(SCHEMA), info
