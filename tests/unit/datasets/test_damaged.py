"""Damaged frames: each gives one clear line, nothing half-written, nothing outside the output."""

import io
import os
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.build import main
from datasets.images import check_image, decode_image, encode_png
from tests.support import ROOT
from tests.support.builds import make_jpeg, make_video


def build(root: Path, out: Path, *options: str) -> int:
    return main(["--src", "vid", "--root", str(root), "--out", str(out), *options])


def huge(data: bytes) -> bytes:
    """Return the JPEG with a header that states 60,000 x 60,000 px."""
    start = data.index(b"\xff\xc0")
    return data[: start + 5] + struct.pack(">HH", 60_000, 60_000) + data[start + 9 :]


def torn(data: bytes) -> bytes:
    """Return the JPEG without some bytes of its picture: it has an end, but not all in between."""
    middle = len(data) * 2 // 3
    return data[:middle] + data[middle + 200 :]


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda data: b"", "0 bytes"),
    "cut in the picture": (lambda data: data[: len(data) * 2 // 3], "cut off after"),
    "torn in the picture": (torn, "Corrupt JPEG data"),
    "cut in the header": (lambda data: data[:100], "ends before its frame header"),
    "cut after two bytes": (lambda data: data[:2], "ends before its frame header"),
    "html": (
        lambda data: b"<html>404 not found</html>",
        "not a JPEG or PNG, but start with b'<html>40'",
    ),
    "zeros": (lambda data: bytes(len(data)), "not a JPEG"),
    "zeros at the end": (lambda data: data[:2000] + bytes(len(data) - 2000), "cut off after"),
    "another size": (lambda data: make_jpeg(size=(120, 160)), "120 x 160 px, but its annotation"),
    "a huge header": (huge, "expected up to 100 megapixels"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_frame_is_one_line_and_no_output(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    change, message = DAMAGES[damage]
    frames = [make_jpeg(seed) for seed in range(4)]
    frames[2] = change(frames[2])
    root = make_video(tmp_path / "raw", frames)
    assert build(root, tmp_path / "out") == 1
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "000002.JPEG: " in record.getMessage()
    assert message in record.getMessage()
    assert "\n" not in record.getMessage()
    written = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written == ["settings.json"]
    assert build(root, tmp_path / "out", "--max-bad-frames", "1") == 0


def test_a_huge_header_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    png = bytearray(encode_png(np.zeros((8, 8, 3), np.uint8)))
    png[16:24] = struct.pack(">II", 60_000, 60_000)
    for data in (huge(make_jpeg()), bytes(png)):
        for read in (check_image, decode_image):
            with pytest.raises(ValueError, match="60000 x 60000"):
                read(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_grey_and_cmyk_jpegs_become_rgb() -> None:
    pillow = pytest.importorskip("PIL.Image")
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :32] = (200, 40, 90)
    for mode in ("L", "CMYK"):
        buffer = io.BytesIO()
        pillow.fromarray(image).convert(mode).save(buffer, "JPEG", quality=95)
        data = buffer.getvalue()
        assert check_image(data) == (64, 64)
        decoded = decode_image(data)
        assert decoded.shape == (64, 64, 3)
        want = (95, 95, 95) if mode == "L" else (200, 40, 90)
        assert np.abs(decoded[:, :24].reshape(-1, 3).mean(axis=0) - want).max() < 6
        assert decoded[:, 40:].mean() < 6


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_picture_that_lacks_bytes_is_refused_in_every_colour_space(mode: str) -> None:
    pillow = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    pillow.fromarray(decode_image(make_jpeg())).convert(mode).save(buffer, "JPEG")
    for reduce in (1, 2):
        decode_image(buffer.getvalue(), reduce=reduce, strict=True)
        with pytest.raises(ValueError, match="Corrupt JPEG data"):
            decode_image(torn(buffer.getvalue()), reduce=reduce, strict=True)


def test_exif_rotation_is_ignored() -> None:
    pillow = pytest.importorskip("PIL.Image")
    exif = pillow.Exif()
    exif[274] = 6  # to be shown turned by 90 degrees
    buffer = io.BytesIO()
    pillow.fromarray(np.zeros((40, 80, 3), np.uint8)).save(buffer, "JPEG", exif=exif)
    assert check_image(buffer.getvalue()) == (80, 40)
    assert decode_image(buffer.getvalue()).shape == (40, 80, 3)


def test_a_png_under_a_jpeg_name_is_decoded(tmp_path: Path) -> None:
    done, png = cv2.imencode(".png", np.full((120, 160, 3), 90, np.uint8))
    assert done
    frames = [make_jpeg(), bytes(png)]
    assert build(make_video(tmp_path / "raw", frames), tmp_path / "out") == 0
    with pytest.raises(ValueError, match="cut off"):
        check_image(bytes(png)[:-40])


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    root = make_video(tmp_path / "raw", [make_jpeg(seed) for seed in range(30)])
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "from datasets.build import main; sys.exit(main(sys.argv[1:]))"
    )
    options = ["--src", "vid", "--root", str(root), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", limited, *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "File too large" in done.stderr
    assert str(tmp_path / "out") in done.stderr
    written = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written == {"settings.json"}
    assert build(root, tmp_path / "out") == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_output_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = make_video(tmp_path / "raw", [make_jpeg()])
    (tmp_path / "out").mkdir(mode=0o500)
    assert build(root, tmp_path / "out") == 1
    assert "Permission denied" in caplog.text


def test_an_output_that_cannot_be_a_folder_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_video(tmp_path / "raw", [make_jpeg()])
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    assert build(root, tmp_path / "file/out") == 1
    assert "file/out" in caplog.text
    assert (tmp_path / "file").read_text() == "mine"
    assert build(root, tmp_path / "loop") == 1
    assert "Too many levels of symbolic links" in caplog.text


def test_a_link_loop_in_place_of_a_frame_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_video(tmp_path / "raw", [make_jpeg(seed) for seed in range(3)])
    image = root / "Data/VID/val/ILSVRC2015_val_00000000/000001.JPEG"
    image.unlink()
    image.symlink_to(image.name)
    assert build(root, tmp_path / "out") == 1
    assert "000001.JPEG: Too many levels of symbolic links" in caplog.text


def test_a_bomb_in_place_of_an_annotation_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_video(tmp_path / "raw", [make_jpeg()])
    name = root / "Annotations/VID/val/ILSVRC2015_val_00000000/000000.xml"
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    name.write_text(f"<!DOCTYPE a [{entities}]><annotation>&e9;</annotation>")
    assert build(root, tmp_path / "out") == 1
    assert "000000.xml: not readable as ImageNet's XML" in caplog.text
    assert not (tmp_path / "out").exists()


def test_frames_missing_from_an_archive_name_archive_and_member(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_video(tmp_path / "raw", [make_jpeg(seed) for seed in range(3)])
    (root / "Data/VID/val/ILSVRC2015_val_00000000/000001.JPEG").unlink()
    packed = shutil.make_archive(str(tmp_path / "vid"), "zip", root)
    assert build(Path(packed), tmp_path / "out") == 1
    member = "Data/VID/val/ILSVRC2015_val_00000000/000001.JPEG"
    assert f"{packed}: {member}: no such file" in caplog.text
