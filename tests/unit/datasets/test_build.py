"""datasets.build: shards and manifest from raw trees, the same bytes however they are made."""

import gc
import io
import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import webdataset

from datasets.build import main
from datasets.crops import channel_mean, crop_square
from datasets.filters import Filters
from datasets.images import codec_versions, decode_image, encode_jpeg
from datasets.read_crop import read_jpeg
from datasets.shards.cut import FrameCutter
from datasets.shards.shard import build_shard
from datasets.shards.tar import TarWriter
from datasets.shards.tasks import ShardSettings, ShardTask
from datasets.tracks import SourceError
from manifests.crop_spec import CropSpec
from manifests.table import read_manifest
from tests.support.builds import build, fingerprint

SOURCES = ("coco", "lasot", "uav123", "vid")


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_becomes_crops_with_the_target_in_their_centre(
    sample_world: Path, tmp_path: Path, source: str
) -> None:
    assert build(sample_world / source, tmp_path, source=source) == 0
    manifest = read_manifest(str(tmp_path / "manifest.parquet"))
    report = json.loads((tmp_path / "report.json").read_text())
    counts = report["counts"]
    assert counts["frames kept"] == len(manifest.rows) == counts.pop("frames kept")
    assert counts.pop("frames in") == len(manifest.rows) + sum(counts.values())
    row = manifest.rows.row(0, named=True)
    template = decode_image(read_jpeg(manifest.url, row, "z")).astype(float)
    search = decode_image(read_jpeg(manifest.url, row, "x")).astype(float)
    assert template.shape == (127, 127, 3)
    assert search.shape == (255, 255, 3)
    # Both have the same scale and centre, so the template is the middle of the search crop.
    assert np.abs(template - search[64:191, 64:191]).mean() < 3


def test_two_workers_write_the_same_bytes(sample_world: Path, built: Path, tmp_path: Path) -> None:
    assert build(sample_world / "uav123", tmp_path, "--workers", "2") == 0
    assert fingerprint(tmp_path) == fingerprint(built)


def test_order_on_disk_and_archives_do_not_change_the_bytes(
    sample_world: Path, built: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    for path in sorted((sample_world / "uav123").rglob("*"), reverse=True):
        if path.is_file():
            target = raw / path.relative_to(sample_world / "uav123")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.make_archive(str(tmp_path / "UAV123"), "zip", raw)
    for number, root in enumerate((raw, tmp_path / "UAV123.zip")):
        assert build(root, tmp_path / str(number)) == 0
        assert fingerprint(tmp_path / str(number)) == fingerprint(built)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--min-side", "13"), "too small"),
        (("--max-aspect", "1.1"), "too elongated"),
        (("--min-area", "0.03"), "too small for the frame"),
        (("--max-area", "0.03"), "too large for the frame"),
        (("--every", "3"), "skipped by --every"),
    ],
)
def test_filters_are_counted_by_reason(
    sample_world: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    reason: str,
) -> None:
    assert build(sample_world / "uav123", tmp_path, *options) == 0
    counts = json.loads((tmp_path / "report.json").read_text())["counts"]
    assert counts[reason] > 0
    assert f"dropped: {reason}" in capsys.readouterr().out


def test_tracks_that_lose_all_frames_are_named(sample_world: Path, tmp_path: Path) -> None:
    assert build(sample_world / "coco", tmp_path, source="coco") == 0
    report = json.loads((tmp_path / "report.json").read_text())
    manifest = read_manifest(str(tmp_path / "manifest.parquet"))
    lost = set(report["tracks_without_frames"])
    assert lost
    assert not lost & set(manifest.rows["track"])


def test_max_bad_frames_counts_damaged_frames(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = Path(shutil.copytree(sample_world / "uav123", tmp_path / "raw"))
    images = raw / "data_seq/UAV123_10fps/uav2"
    (images / "000044.jpg").unlink()
    (images / "000045.jpg").write_bytes(b"<html>404</html>")
    assert build(raw, tmp_path / "out", "--max-bad-frames", "1") == 1
    assert "--max-bad-frames" in caplog.text
    assert not (tmp_path / "out/manifest.parquet").exists()
    assert build(raw, tmp_path / "out", "--max-bad-frames", "2") == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["counts"]["unreadable image"] == 2
    assert [message.split(": ")[0][-10:] for message in report["bad_images"]] == [
        "000044.jpg",
        "000045.jpg",
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--src", "lasto"], 2),
        (["--src", "lasot", "--wrokers", "2"], 2),
        (["--src", "lasot", "--root", "nowhere"], 1),
    ],
)
def test_wrong_options_exit_2_and_missing_roots_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(options) == code
    assert list(tmp_path.iterdir()) == []


def test_bad_annotation_leaves_the_output_as_it_was(sample_world: Path, tmp_path: Path) -> None:
    raw = Path(shutil.copytree(sample_world / "uav123", tmp_path / "raw"))
    (raw / "anno/UAV123_10fps/uav2.txt").write_text("1,2,3\n")
    (tmp_path / "mine").mkdir()
    for out, made in (("out/new", "out"), ("mine", "")):
        assert build(raw, tmp_path / out) == 1
        assert not made or not (tmp_path / made).exists()
    assert list((tmp_path / "mine").iterdir()) == []


def test_one_folder_for_raw_data_and_shards_is_refused(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = Path(shutil.copytree(sample_world / "uav123", tmp_path / "raw"))
    (tmp_path / "link").symlink_to(raw)
    for out in (raw, raw / "anno/..", tmp_path / "link"):
        caplog.clear()
        assert build(raw, out) == 1
        assert "would be written over, but this command reads" in caplog.text
    assert {path.name for path in raw.iterdir()} == {"anno", "data_seq"}


def test_home_and_file_urls_are_local_paths(
    sample_world: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "raw").symlink_to(sample_world / "uav123")
    for root, out in (("~/raw", "~/a"), (f"file://{tmp_path}/raw", f"file://{tmp_path}/b")):
        given = ["--src", "uav123", "--root", root, "--out", out, "--shard-mb", "0.4"]
        assert main(given) == 0
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b") == fingerprint(built)


@pytest.mark.parametrize("option", ["--root", "--out"])
def test_unknown_kinds_of_urls_are_one_line(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, option: str
) -> None:
    given = ["--root", str(sample_world / "uav123"), "--out", str(tmp_path / "out")]
    assert main(["--src", "uav123", *given, option, "gopher://x/y"]) == 1
    assert "gopher://x/y: Protocol not known: gopher" in caplog.text


def test_a_worker_with_other_codecs_refuses(sample_world: Path, tmp_path: Path) -> None:
    codecs = codec_versions() | {"opencv": "1.0"}
    settings = ShardSettings(root="raw", out=str(tmp_path), source="vid", codecs=codecs)
    task = ShardTask(settings=settings, name="", split="", parts=())
    with pytest.raises(SourceError, match=r"expected .*'opencv': '1\.0'.* Install the same"):
        build_shard(task)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_plain_webdataset_reads_the_shards(built: Path) -> None:
    shards = sorted(str(path) for path in built.glob("*.tar"))
    data = webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8")
    samples = list(data)
    gc.collect()  # webdataset leaves its files open; their warnings belong to this test
    assert len(samples) == len(read_manifest(str(built / "manifest.parquet")).rows)
    assert samples[0]["z.jpg"].shape == (127, 127, 3)
    assert samples[0]["x.jpg"].shape == (255, 255, 3)
    assert samples[0]["json"]["source"] == "uav123"


def test_reduced_decode_stays_within_35_db(sample_world: Path, tmp_path: Path) -> None:
    """Targets of over 127 px are decoded at half size; the crops must look the same."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (45, 80, 3), np.uint8)
    image = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC)
    data = encode_jpeg(image, quality=95)
    full = decode_image(data)
    for side in (140.0, 300.0, 560.0):
        box = np.array([300.5, 100.25, side, side])
        cutter = FrameCutter(data, [box], stated_size=None, crop=CropSpec())
        ((_, crops),) = cutter.pairs(Filters(), Counter())
        center = (300.5 + side / 2, 100.25 + side / 2)
        window = CropSpec().template_side(side, side)
        for crop, size in zip(crops, (127, 255), strict=True):
            want = crop_square(
                full, center=center, side=window * size / 127, size=size, fill=channel_mean(full)
            )
            error = np.mean((crop.astype(float) - want.astype(float)) ** 2)
            assert 10 * np.log10(255**2 / error) > 35


@pytest.mark.parametrize("name", ["a/b.x.jpg", "airplane-10/00000001.z.jpg", "x" * 99])
@pytest.mark.parametrize("size", [0, 1, 8_191, 1_000_000])
def test_tar_headers_are_those_of_the_standard_library(name: str, size: int) -> None:
    file = io.BytesIO()
    offset = TarWriter(file).add(name, bytes(size))
    info = tarfile.TarInfo(name)
    info.size = size
    assert file.getvalue()[:offset] == info.tobuf(tarfile.USTAR_FORMAT)
