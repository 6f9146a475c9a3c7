"""Readers of images, masks and video files."""

from pathlib import Path

import numpy as np

from bench.faults.damaged import raw_trees as trees
from bench.faults.damaged.mutations import BYTES
from bench.faults.damaged.reader import Reader, build_command, read_source
from bench.faults.damaged.structures import change_jpeg
from datasets.files import open_root
from datasets.files.video_frames import VideoFrames, count_frames
from datasets.images import check_image, decode_image
from datasets.sources import davis
from datasets.sources.boxes.masks import decode_mask
from tests.support.builds import make_jpeg


def _read_image(tree: Path) -> None:
    data = (tree / "frame.jpg").read_bytes()
    size = check_image(data)
    if size[0] * size[1] < 4_000_000:
        for reduce in (1, 4):
            for strict in (True, False):
                image = decode_image(data, reduce=reduce, strict=strict)
                assert image.dtype == np.uint8
                assert image.shape == (-(-size[1] // reduce), -(-size[0] // reduce), 3), image.shape


def _read_deep(tree: Path) -> None:
    data = (tree / "frame.tiff").read_bytes()
    for reduce in (1, 4):
        image = decode_image(data, reduce=reduce)
        assert image.dtype == np.uint8
        assert image.ndim == 3


def _read_video(tree: Path) -> None:
    files = open_root(str(tree))
    frames = VideoFrames(files)
    for number in range(min(count_frames(files, "clip.avi"), 10)):
        check_image(frames.read(f"clip.avi#{number}"))


def _read_mask(tree: Path) -> None:
    decode_mask((tree / "clip/masks/000001.png").read_bytes(), where="000001.png")


_PICTURE = (*BYTES, change_jpeg, change_jpeg, change_jpeg)

PICTURE_READERS: tuple[Reader, ...] = (
    Reader(
        name="jpeg",
        file="frame.jpg",
        make=trees.picture("frame.jpg", make_jpeg),
        read=_read_image,
        mutations=_PICTURE,
        errors=(ValueError,),
        is_named=False,
    ),
    Reader(
        name="jpeg in a build",
        file=f"Data/VID/{trees.VID}/000001.JPEG",
        make=trees.write_video,
        read=lambda tree: None,
        mutations=_PICTURE,
        command=build_command("vid"),
    ),
    Reader(
        name="png",
        file="frame.jpg",
        make=trees.picture("frame.jpg", trees.png),
        read=_read_image,
        mutations=BYTES,
        errors=(ValueError,),
        is_named=False,
    ),
    Reader(
        name="png of 16 bits",
        file="frame.jpg",
        make=trees.picture("frame.jpg", lambda: trees.deep(".png")),
        read=_read_image,
        mutations=BYTES,
        errors=(ValueError,),
        is_named=False,
    ),
    Reader(
        name="tiff",
        file="frame.tiff",
        make=trees.picture("frame.tiff", lambda: trees.deep(".tiff")),
        read=_read_deep,
        mutations=BYTES,
        errors=(ValueError,),
        is_named=False,
    ),
    Reader(
        name="video",
        file="clip.avi",
        make=trees.write_clip,
        read=_read_video,
        mutations=BYTES,
    ),
    Reader(
        name="png mask",
        file="clip/masks/000001.png",
        make=trees.footage("masks"),
        read=_read_mask,
        mutations=BYTES,
        command=build_command("folders"),
    ),
    Reader(
        name="png davis",
        file="Annotations/480p/clip/00001.png",
        make=trees.write_davis,
        read=read_source(davis),
        mutations=BYTES,
        command=build_command("davis"),
    ),
)
