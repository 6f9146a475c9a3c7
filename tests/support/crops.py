"""Shards of made-up crops, of any number and shape: what the loader's tests and measurements read.

Each crop is noise of all scales, as large as a JPEG of a photograph, with a framed target in its
middle; the build is not needed to make them.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from datasets.images import encode_jpeg
from datasets.shards.tar import TarWriter, sample_key
from manifests.crop_spec import CropSpec
from manifests.schema import SCHEMA
from manifests.shards import ShardInfo
from manifests.table import Metadata, write_manifest

_FRAME_PX = 720


@dataclass(frozen=True, kw_only=True)
class MadeTrack:
    """One track to make crops of."""

    name: str
    frames: Sequence[int]
    video: str
    split: str = "train"


def write_crops(
    folder: Path,
    tracks: Sequence[MadeTrack],
    *,
    source: str = "lasot",
    margin: int = 0,
    tracks_per_shard: int = 8,
    seed: int = 0,
) -> str:
    """Write the tracks' crops as shards with a manifest, and return the manifest's path."""
    crop = CropSpec(margin=margin)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    shards = []
    for first in range(0, len(tracks), tracks_per_shard):
        name = f"{source}-{first // tracks_per_shard:06d}.tar"
        before = len(rows)
        with (folder / name).open("wb") as file:
            writer = TarWriter(file)
            for track in tracks[first : first + tracks_per_shard]:
                rows += _write_track(writer, track, source, name, crop, rng)
            writer.close()
        size = (folder / name).stat().st_size
        info = ShardInfo(
            name=name, num_bytes=size, num_rows=len(rows) - before, sha256=writer.sha256
        )
        shards.append(info)
    url = str(folder / "manifest.parquet")
    table = pl.DataFrame(rows, schema=SCHEMA)
    write_manifest(url, table, Metadata(source=source, crop=crop, shards=tuple(shards)))
    return url


def _write_track(
    writer: TarWriter,
    track: MadeTrack,
    source: str,
    shard: str,
    crop: CropSpec,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    for frame in track.frames:
        # the size of a square target in a crop, and one twice as wide as high
        target = (63.5, 63.5) if frame % 2 else (90.0, 45.0)
        row: dict[str, Any] = {
            "source": source,
            "video": track.video,
            "group": track.video,
            "track": track.name,
            "category": "thing",
            "split": track.split,
            "frame": frame,
            "shard": shard,
            "frame_width": _FRAME_PX,
            "frame_height": _FRAME_PX,
            "box_x": (_FRAME_PX - target[0] * 2) / 2,
            "box_y": (_FRAME_PX - target[1] * 2) / 2,
            "box_w": target[0] * 2,
            "box_h": target[1] * 2,
            "scale": 0.5,
            "occluded": None,
            "truncated": None,
            "generated": None,
        }
        for letter, size in (("z", crop.stored_template), ("x", crop.stored_search)):
            jpeg = encode_jpeg(made_crop(size, target, rng))
            key = sample_key(track.name, frame)
            row[f"{letter}_offset"] = writer.add(f"{key}.{letter}.jpg", jpeg)
            row[f"{letter}_bytes"] = len(jpeg)
            row[f"{letter}_crc32"] = zlib.crc32(jpeg)
        yield row


def made_crop(
    size: int, target: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return (size, size, 3) uint8 noise with a framed target in the middle."""
    picture = np.full((size, size, 3), 128.0, np.float32)
    cells = 4
    while cells < size:
        octave = rng.normal(scale=40 / cells**0.35, size=(cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(octave, (size, size), interpolation=cv2.INTER_LINEAR)
        cells *= 2
    image = np.clip(picture, 0, 255).astype(np.uint8)
    top_left = (round((size - target[0]) / 2), round((size - target[1]) / 2))
    bottom_right = (round((size + target[0]) / 2), round((size + target[1]) / 2))
    cv2.rectangle(image, top_left, bottom_right, rng.integers(256, size=3).tolist(), thickness=4)
    return image
