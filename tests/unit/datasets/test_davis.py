"""The DAVIS source: masks to boxes; also in the layout of YouTube-VOS."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.sources.boxes.masks import decode_mask
from datasets.tracks import SourceError
from tests.support.builds import make_jpeg
from tests.support.read_tracks import read_tracks


def make_video(root: Path, name: str, numbers: tuple[int, ...], masks: tuple[int, ...]) -> None:
    """Write frames and masks of two objects, the second from the second mask on."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder / name).mkdir(parents=True)
    for number in numbers:
        (root / "JPEGImages" / name / f"{number:05d}.jpg").write_bytes(make_jpeg(number))
    for number in masks:
        mask = np.zeros((120, 160), np.uint8)
        mask[10:30, 20:60] = 1
        mask[40, 5] = 255
        if number != masks[0]:
            mask[50:90, 70:80] = 2
        cv2.imwrite(str(root / "Annotations" / name / f"{number:05d}.png"), mask)


def test_a_box_is_the_extent_of_a_mask_and_void_is_none(tmp_path: Path) -> None:
    make_video(tmp_path, "480p/bear", (0, 1, 2), (0, 1, 2))
    first, second = read_tracks("davis", tmp_path)
    assert (first.name, second.name, first.group) == ("bear-1", "bear-2", "bear")
    assert first.boxes_xywh.tolist() == [[20, 10, 40, 20]] * 3
    assert second.boxes_xywh.tolist() == [[70, 50, 10, 40]] * 2
    assert second.frame_numbers.tolist() == [1, 2]
    assert second.frames[0] == "JPEGImages/480p/bear/00001.jpg"


def test_youtube_vos_has_masks_of_some_frames_and_classes(tmp_path: Path) -> None:
    make_video(tmp_path / "train", "0a1", tuple(range(0, 11)), (0, 5, 10))
    make_video(tmp_path / "valid", "0b2", (0,), (0,))
    table = {"videos": {"0a1": {"objects": {"1": {"category": "ape"}, "2": {"category": "cat"}}}}}
    (tmp_path / "train/meta.json").write_text(json.dumps(table))
    first, second = read_tracks("davis", tmp_path)
    assert first.frame_numbers.tolist() == [0, 5, 10]
    assert (first.category, second.category) == ("ape", "cat")


def test_two_sizes_of_the_same_videos_are_read_once(tmp_path: Path) -> None:
    for size in ("480p", "Full-Resolution"):
        make_video(tmp_path, f"{size}/bear", (0,), (0,))
    (track,) = read_tracks("davis", tmp_path)
    assert track.frames[0].startswith("JPEGImages/480p")


def test_a_palette_gives_the_objects_whatever_its_colours(tmp_path: Path) -> None:
    values = np.zeros((20, 30), np.uint8)
    values[2:5, 3:9], values[10:12, 10:20], values[0] = 1, 7, 255
    image = Image.fromarray(values, mode="P")
    image.putpalette(np.random.default_rng(0).permutation(256 * 3).astype(np.uint8).tolist())
    image.save(tmp_path / "mask.png")
    decoded = decode_mask((tmp_path / "mask.png").read_bytes(), where="mask.png")
    assert np.array_equal(decoded, values)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_masks_of_few_bits_keep_their_values(tmp_path: Path, bits: int) -> None:
    values = np.zeros((8, 8), np.uint8)
    values[2:4, 1:5] = 1
    image = Image.fromarray(values.astype(bool))
    if bits > 1:
        image = Image.fromarray(values, mode="P")
        image.putpalette(range(3 * 2**bits))
    image.save(tmp_path / "mask.png")
    data = (tmp_path / "mask.png").read_bytes()
    assert data[24] == bits
    assert np.array_equal(decode_mask(data, where="mask.png"), values)


def test_a_broken_table_of_classes_is_named(tmp_path: Path) -> None:
    make_video(tmp_path / "train", "0a1", (0,), (0,))
    (tmp_path / "train/meta.json").write_text('{"videos": 3}')
    with pytest.raises(SourceError, match=r"meta\.json: not readable as YouTube-VOS's table"):
        read_tracks("davis", tmp_path)


def test_a_root_without_masks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages/480p/bear").mkdir(parents=True)
    with pytest.raises(SourceError, match="no video with masks"):
        read_tracks("davis", tmp_path)


def test_the_real_piece_gives_the_boxes_of_another_library(shared: Path) -> None:
    tracks = read_tracks("davis", shared / "data/davis")
    (track,) = tracks  # masks of one object have the value 255
    for name, box in zip(track.frames, track.boxes_xywh, strict=True):
        mask = name.replace("JPEGImages", "Annotations").replace(".jpg", ".png")
        values = np.asarray(Image.open(shared / "data/davis" / mask))
        left, top, right, bottom = Image.fromarray(values > 0).getbbox() or (0,) * 4
        assert box.tolist() == [left, top, right - left, bottom - top]
    assert len(track.frames) == 20
