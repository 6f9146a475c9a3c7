"""Near-duplicate footage: the search is exact, copies are found among thousands of others."""

import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from datasets.files import open_root
from datasets.images import decode_grey
from datasets.overlap.__main__ import main
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.overlap.footage import Footage, all_crop_thumbs, read_footage
from datasets.overlap.hash_search import HashTable, near_pairs
from datasets.overlap.hashes import has_detail, hash_thumbs, thumb
from datasets.overlap.page import leave_out, summarise
from datasets.overlap.rates import measure_rates
from datasets.overlap.search import Limits, Matches, find_matches
from datasets.tracks import SourceError, Track
from manifests.crop_spec import CropSpec
from manifests.exact import select_rows
from manifests.schema import ManifestError
from manifests.table import read_manifest
from trainer.config import DataConfig, TrainConfig
from trainer.setup import open_manifests


def scenes(count: int, *, seed: int, size: int = 32) -> np.ndarray:
    """Return (count, size, size) grey pictures with the spectrum of photographs, all different."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(size)
    fall = 1 / np.maximum(np.hypot(frequency[:, None], frequency[None, :]), 1 / size)
    noise = np.fft.fft2(rng.normal(size=(count, size, size))) * fall
    pictures = np.fft.ifft2(noise).real
    spread = pictures.std(axis=(1, 2), keepdims=True)
    grey: np.ndarray = np.clip(128 + 45 * pictures / spread, 0, 255).astype(np.uint8)
    return grey


@pytest.mark.parametrize("max_distance", [0, 3, 7, 11])
def test_the_search_finds_exactly_what_comparing_all_finds(max_distance: int) -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 2**63, 3_000, dtype=np.uint64)
    flips = np.array([sum(1 << int(b) for b in rng.choice(64, n, False)) for n in range(16)] * 10)
    queries = table[: flips.size] ^ flips.astype(np.uint64)
    query, row, distance = near_pairs(queries, HashTable(table), max_distance=max_distance)
    every = np.bitwise_count(queries[:, None] ^ table[None, :])
    expected = np.argwhere(every <= max_distance)
    assert np.stack([query, row], axis=1).tolist() == expected.tolist()
    assert (distance == every[query, row]).all()


@pytest.mark.parametrize("most", [1, 3])
def test_the_nearest_few_are_those_of_all(most: int) -> None:
    rng = np.random.default_rng(1)
    queries = rng.integers(0, 2**63, 40, dtype=np.uint64)
    flips = [sum(1 << int(b) for b in rng.choice(64, n % 12, False)) for n in range(400)]
    table = np.repeat(queries, 10) ^ np.array(flips, np.uint64)
    odd = np.arange(400) % 2 == 1
    query, row, distance = near_pairs(
        queries, HashTable(table), max_distance=11, most=most, skip=lambda q, r: odd[r]
    )
    every = np.bitwise_count(queries[:, None] ^ table[None, :])
    for number in range(40):
        of_query = np.sort(every[number][~odd])
        assert np.sort(distance[query == number]).tolist() == of_query[:most].tolist()
    assert not odd[row].any()


def test_a_mirrored_picture_has_the_mirrored_hash() -> None:
    pictures = scenes(50, seed=0)
    plain, mirrored = hash_thumbs(pictures)
    of_mirrored = hash_thumbs(np.ascontiguousarray(pictures[:, :, ::-1]))[0]
    assert np.bitwise_count(mirrored ^ of_mirrored).max() <= 1
    assert np.bitwise_count(plain ^ mirrored).mean() > 20


def test_brightness_does_not_change_the_hash() -> None:
    pictures = scenes(50, seed=0) // 2
    brighter = pictures + np.uint8(60)
    changed = np.bitwise_count(hash_thumbs(pictures)[0] ^ hash_thumbs(brighter)[0])
    assert changed.max() <= 1


def test_flat_pictures_are_not_compared() -> None:
    flat = np.full((3, 32, 32), 90, np.uint8)
    flat[1, 4, 4] = 255
    assert has_detail(flat).tolist() == [False, False, False]
    assert has_detail(scenes(3, seed=0)).all()


def test_the_middle_of_a_picture_is_its_thumb_without_margin() -> None:
    image = np.zeros((287, 287), np.uint8)
    image[16:-16, 16:-16] = 200
    assert (thumb(image, share=255 / 287) == 200).all()


def test_what_is_no_image_is_said_to_be_none() -> None:
    for data in (b"", b"no image"):
        with pytest.raises(ValueError, match=f"{len(data)} bytes that no image decoder reads"):
            decode_grey(data, reduce=4)


def write_benchmark(root: Path, count: int = 4) -> None:
    """Write sequences of three frames: a camera that moves a little over a scene."""
    for number in range(count):
        folder = root / f"seq{number}" / "img"
        folder.mkdir(parents=True)
        scene = scenes(3, seed=100 + number, size=256).transpose(1, 2, 0)
        for frame in range(3):
            image = scene[4 * frame : 4 * frame + 240, :240]
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), image)
        lines = "\n".join(f"100,{100 - 4 * frame},40,40" for frame in range(3))
        (folder.parent / "groundtruth_rect.txt").write_text(lines)


def test_bad_copies_are_found_among_thousands_and_nothing_else_is(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    files = open_root(str(tmp_path))
    tracks = read_benchmark(files)
    footage = read_footage(files, tracks, CropSpec(), every=1, progress=lambda done: None)
    others = scenes(5_000, seed=1)
    rates = measure_rates(files, tracks, footage, others, Limits(), num_copies=12, seed=0)
    assert (rates.num_copies, rates.num_others) == (12, 5_000)
    least = {"re-encoded": 11, "resized": 11, "mirrored": 11, "brightened": 11}
    least["cut, another box"] = 8
    assert set(rates.hits) == set(least)
    assert all(rates.hits[kind] >= count for kind, count in least.items())
    assert (rates.num_crops, rates.num_recordings) == (12, 4)
    assert (rates.false_crops, rates.false_recordings) == (0, 0)
    assert find_matches(others, footage, Limits()).row.size == 0


def test_copies_are_of_any_frame_though_few_are_compared(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    files = open_root(str(tmp_path))
    tracks = read_benchmark(files)
    footage = read_footage(files, tracks, CropSpec(), every=3, progress=lambda done: None)
    others = scenes(9, seed=1)
    rates = measure_rates(files, tracks, footage, others, Limits(), num_copies=99, seed=0)
    assert (rates.num_copies, rates.num_crops) == (12, 4)
    assert rates.hits["re-encoded"] >= 4


def test_recordings_that_look_alike_are_counted_as_false_alarms(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    copied = tmp_path / "other"
    shutil.copytree(tmp_path / "seq2", copied)
    files = open_root(str(tmp_path))
    tracks = read_benchmark(files)
    footage = read_footage(files, tracks, CropSpec(), every=1, progress=lambda done: None)
    rates = measure_rates(files, tracks, footage, scenes(9, seed=1), Limits(), num_copies=3, seed=0)
    assert (rates.false_crops, rates.false_recordings) == (6, 2)
    assert (rates.num_crops, rates.num_recordings) == (15, 5)


def test_one_recording_alone_raises_no_false_alarm(tmp_path: Path) -> None:
    write_benchmark(tmp_path, count=1)
    files = open_root(str(tmp_path))
    tracks = read_benchmark(files)
    footage = read_footage(files, tracks, CropSpec(), every=1, progress=lambda done: None)
    rates = measure_rates(files, tracks, footage, scenes(9, seed=1), Limits(), num_copies=3, seed=0)
    assert (rates.num_crops, rates.false_crops) == (0, 0)
    assert rates.hits["re-encoded"] == 3


def test_pictures_that_were_kept_are_not_decoded_again(sample_shards: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shutil.copytree(sample_shards / "lasot", shards)
    manifests = [read_manifest(str(shards / "manifest.parquet"))]

    def pictures(where: str | None) -> np.ndarray:
        keep = str(tmp_path / "keep")
        return all_crop_thumbs(manifests, where=where, keep=keep, progress=lambda done: None)

    first = pictures(None)
    (kept,) = (tmp_path / "keep").iterdir()
    whole = kept.read_bytes()
    for damaged in (b"", whole[:50], whole[:-9], b"pickle" + whole, whole.replace(b"32)", b"16)")):
        kept.write_bytes(damaged)
        assert (pictures(None) == first).all()
        assert kept.read_bytes() == whole
    for shard in shards.glob("*.tar"):
        shard.unlink()
    assert (pictures(None) == first).all()
    with pytest.raises(ManifestError, match="no such shard"):
        pictures("frame > 0")  # selects other rows


def test_a_benchmark_in_the_training_data_is_found_and_left_out(
    sample_world: Path,
    sample_shards: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifests = [str(sample_shards / s / "manifest.parquet") for s in ("uav123", "lasot")]
    out = tmp_path / "overlap.html"
    options = ["--against", str(sample_world / "uav123"), "--num-copies", "4", "--out", str(out)]
    assert main(["--manifests", *manifests, *options]) == 0
    printed = capsys.readouterr().out
    condition = shlex.split(printed.split("--data.where ")[1])[0]
    # As a run of the same manifests takes it, though nothing is left of one of them.
    run = TrainConfig(manifests=tuple(manifests), data=DataConfig(where=condition))
    (kept,) = open_manifests(run)
    assert kept.rows.equals(read_manifest(manifests[1]).rows)


def test_a_track_is_listed_with_its_frames_and_the_images_that_it_resembles() -> None:
    rows = pl.DataFrame(
        {"source": "vid", "video": "v", "track": ["t", "t", "u", "t"], "frame": [30, 40, 7, 50]}
    ).with_columns(manifest=pl.lit(0))
    tracks = [
        Track(
            name=name,
            video=name,
            group=name,
            category="",
            frames=[f"img/{number}.jpg" for number in range(300, 309)],
            frame_numbers=np.arange(9, dtype=np.int32),
            boxes_xywh=np.ones((9, 4)),
            visible=np.ones(9, bool),
        )
        for name in ("a", "b")
    ]
    footage = Footage(
        track=np.array([0, 0, 1], np.int32),
        frame=np.array([2, 8, 5], np.int32),
        thumbs=np.zeros((3, 3, 32, 32), np.uint8),
    )
    matches = Matches(
        row=np.array([0, 1, 1, 2]), item=np.array([0, 0, 1, 2]), likeness=np.array([0.8, 1, 0.9, 1])
    )
    assert summarise(rows, tracks, footage, matches).rows() == [
        ("vid", "v", "t", "a", 2, 3, "30 to 40", 2, "302.jpg to 308.jpg", 1.0),
        ("vid", "v", "u", "b", 1, 1, "7 to 7", 1, "305.jpg to 305.jpg", 1.0),
    ]


def test_names_with_quotes_are_left_out_too() -> None:
    found = pl.DataFrame({"source": ["vid", "vid"], "video": ["it's", "a"]})
    rows = pl.DataFrame({"source": ["vid"] * 3, "video": ["it's", "a", "b"]})
    assert select_rows(rows.lazy(), leave_out(found))["video"].to_list() == ["b"]


def test_layouts_of_benchmarks_are_read(tmp_path: Path, sample_world: Path) -> None:
    for name in ("OTB100", "vot2018", "uav123"):
        tracks = read_benchmark(open_root(str(sample_world / name)))
        assert tracks, name
        assert all(track.visible.any() for track in tracks)
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "1.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match=r"no folder of images with a groundtruth"):
        read_benchmark(open_root(str(tmp_path)))
    (tmp_path / "frames" / "groundtruth.txt").write_text("1,2,3\n")
    with pytest.raises(
        SourceError, match=r"frames/groundtruth.txt:1: 3 numbers, expected 4 or 8 numbers"
    ):
        read_benchmark(open_root(str(tmp_path)))


def test_corners_of_nfs_and_boxes_of_tc128_are_read(tmp_path: Path) -> None:
    rows = "".join(f'0 {n} 20 {n + 30} 60 {n} 0 0 0 "bee"\n' for n in range(17))
    for folder, truth, text in (
        ("bee/30/bee", "bee/30/bee.txt", rows),
        ("bee/240/bee", "bee/240/bee.txt", "".join(rows.splitlines(keepends=True)[:3])),
        ("Kite_ce1/img", "Kite_ce1/Kite_ce1_gt.txt", "1,2,30,40\n" * 3),
    ):
        (tmp_path / folder).mkdir(parents=True)
        for number in (1, 2, 3):
            (tmp_path / folder / f"{number:05d}.jpg").write_bytes(b"")
        (tmp_path / truth).write_text(text)
    tc128, fast, slow = read_benchmark(open_root(str(tmp_path)))
    assert (tc128.name, tc128.boxes_xywh[0].tolist()) == ("Kite_ce1", [1, 2, 30, 40])
    assert fast.boxes_xywh.tolist() == [[n, 20, 30, 40] for n in (0, 1, 2)]
    assert slow.boxes_xywh.tolist() == [[n, 20, 30, 40] for n in (0, 8, 16)]


def test_folders_with_dots_in_their_names_are_read(tmp_path: Path) -> None:
    names = {"clip.v1", "2026.01.02", "car.mp4", "set.a/bag.2"}
    for name in names:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "1.jpg").write_bytes(b"")
        (folder / "groundtruth.txt").write_text("1,2,30,40\n")
    (tmp_path / "readme.txt").write_text("of the benchmark")
    for name in ("overview.png", "set.a/logo 2.png", "set.a/b.png"):  # no frames of a sequence
        (tmp_path / name).write_bytes(b"")
    assert {track.name for track in read_benchmark(open_root(str(tmp_path)))} == names


def test_of_several_ground_truths_the_numbered_ones_count_alone(tmp_path: Path) -> None:
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "1.jpg").write_bytes(b"")
    for part, left in (("", 9), (".1", 1), (".2", 2)):
        (tmp_path / f"groundtruth_rect{part}.txt").write_text(f"{left},2,30,40\n")
    tracks = read_benchmark(open_root(str(tmp_path)))
    assert [track.boxes_xywh[0, 0] for track in tracks] == [1, 2]


def test_images_that_are_not_as_many_as_the_boxes_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"{number}.jpg").write_bytes(b"")
    (tmp_path / "groundtruth.txt").write_text("1,2,30,40\n1,2,30,40\n")
    (track,) = read_benchmark(open_root(str(tmp_path)))
    assert (track.name, list(track.frames)) == (tmp_path.name, ["2.jpg", "3.jpg"])
    assert "2 boxes for 3 images, so the last 2 images are compared" in caplog.text
