"""Own footage as video files: the frames that OpenCV decodes, rotated as a phone says."""

import struct
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from datasets.build import main
from datasets.files.roots import open_root
from datasets.files.video_frames import VideoFrames
from datasets.images import decode_image
from datasets.tracks import SourceError
from manifests.table import read_manifest
from tests.support.footage import NUM_FRAMES, write_boxes
from tests.support.packs import pack_zip
from tests.support.read_tracks import read_tracks


def write_video(path: Path) -> None:
    """Write frames that grow brighter, the left half of each darker than the right one."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (160, 120))
    for number in range(NUM_FRAMES):
        image = np.full((120, 160, 3), 60 + 40 * number, np.uint8)
        image[:, :80] -= 40
        writer.write(image)
    writer.release()


def test_a_video_file_gives_the_frames_that_opencv_decodes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "raw" / name).mkdir(parents=True)
        write_video(tmp_path / "raw" / name / "clip.mp4")
        write_boxes(tmp_path / "raw" / name, "cvat")
    options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out")]
    assert main(["--src", "folders", *options]) == 0
    rows = read_manifest(str(tmp_path / "out/manifest.parquet")).rows
    assert rows["source"].unique().to_list() == ["folders"]
    part = rows.filter(pl.col("track") == "a-2").sort("frame")
    assert part["frame"].to_list() == [0, 1, 2, 3]
    files = VideoFrames(open_root(str(tmp_path / "raw")))
    shard = (tmp_path / "out" / part["shard"][0]).read_bytes()
    for row in part.iter_rows(named=True):
        frame = decode_image(files.read(f"a/clip.mp4#{row['frame']}")).astype(float)
        assert abs(frame.mean() - (40 + 40 * row["frame"])) < 5
        crop = decode_image(shard[row["x_offset"] : row["x_offset"] + row["x_bytes"]])
        center = frame[round(row["box_y"] + row["box_h"] / 2), round(row["box_x"] + 15)]
        assert np.abs(crop[127, 127] - center).max() < 8


def test_frames_of_a_video_file_are_the_same_in_any_order(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    files = VideoFrames(open_root(str(tmp_path)))
    ahead = [files.read(f"clip.mp4#{number}") for number in range(NUM_FRAMES)]
    assert [files.read(f"clip.mp4#{number}") for number in (3, 1, 2, 0)] == [
        ahead[number] for number in (3, 1, 2, 0)
    ]
    with pytest.raises(SourceError, match=r"clip\.mp4: frame 4 cannot be decoded"):
        files.read("clip.mp4#4")


def test_the_rotation_of_a_phone_is_applied(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    data = (tmp_path / "clip.mp4").read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    track = data.index(b"tkhd")
    rotated = data[:track] + data[track:].replace(upright, quarter, 1)
    assert rotated != data
    (tmp_path / "clip.mp4").write_bytes(rotated)
    frame = decode_image(VideoFrames(open_root(str(tmp_path))).read("clip.mp4#0"))
    assert frame.shape == (160, 120, 3)
    assert frame[:70].mean() < frame[90:].mean()  # what was left is on top


def test_a_video_file_in_an_archive_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "raw/a").mkdir(parents=True)
    write_video(tmp_path / "raw/a/clip.mp4")
    write_boxes(tmp_path / "raw/a", "cvat")
    packed = pack_zip(tmp_path / "raw", tmp_path / "raw.zip")
    with pytest.raises(SourceError, match="a video file is only read from a local folder"):
        read_tracks("folders", packed)
