"""Builds for tests, and what tests compare of them: the bytes of every file."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from datasets.build import main
from datasets.images import encode_jpeg


def build(root: Path, out: Path, *options: str, source: str = "uav123") -> int:
    """Build a source into several small shards, and return the exit code."""
    given = ["--src", source, "--root", str(root), "--out", str(out), "--shard-mb", "0.4"]
    return main([*given, *options])


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by its name relative to it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def make_jpeg(seed: int = 0, size: tuple[int, int] = (160, 120)) -> bytes:
    """Return a picture of soft spots."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8)
    return encode_jpeg(np.asarray(cv2.resize(small, size), np.uint8))


def make_video(root: Path, frames: list[bytes]) -> Path:
    """Write a VID video of 160x120 frames with one target."""
    video = "val/ILSVRC2015_val_00000000"
    for folder in ("Data", "Annotations"):
        (root / folder / "VID" / video).mkdir(parents=True)
    for number, data in enumerate(frames):
        (root / f"Data/VID/{video}/{number:06d}.JPEG").write_bytes(data)
        (root / f"Annotations/VID/{video}/{number:06d}.xml").write_text(
            "<annotation><size><width>160</width><height>120</height></size><object>"
            "<trackid>0</trackid><name>n1</name><occluded>0</occluded><generated>0</generated>"
            "<bndbox><xmin>40</xmin><ymin>30</ymin><xmax>90</xmax><ymax>80</ymax></bndbox>"
            "</object></annotation>"
        )
    return root
