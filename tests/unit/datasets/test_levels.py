"""Images of more than 8 bits: one range for a whole video, the same for every reader, and said."""

import io
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from datasets.build import main as build
from datasets.files import open_root
from datasets.images import decode_grey, decode_image
from datasets.levels import levels_of
from datasets.overlap.footage import target_window
from datasets.read_crop import read_jpeg
from datasets.shards.cut import FrameCutter
from datasets.tracks import Track
from evaluation.sequences import read_image
from manifests.crop_spec import CropSpec
from manifests.table import read_manifest
from tracking.run import main as track
from tracking.video import open_video

RAMP = np.tile(np.linspace(7000, 7127, 64).round(), (48, 1))


def encode(suffix: str, image: np.ndarray) -> bytes:
    return bytes(cv2.imencode(suffix, image)[1])


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def grey_with_alpha() -> bytes:
    """Return a 16-bit PNG of grey and alpha, which OpenCV does not write."""
    pixels = np.dstack([RAMP, np.full_like(RAMP, 65535)]).astype(">u2")
    header = struct.pack(">IIBBBBB", 64, 48, 16, 4, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + line.tobytes() for line in pixels))
    chunks = [(b"IHDR", header), (b"IDAT", lines), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def pillow(mode: str, kind: str) -> bytes:
    buffer = io.BytesIO()
    small = ((RAMP - 7000) * 2).astype(np.uint8)
    PillowImage.fromarray(small).convert(mode).save(buffer, kind)
    return buffer.getvalue()


DEEP: dict[str, Callable[[], bytes]] = {
    "grey png": lambda: encode(".png", RAMP.astype(np.uint16)),
    "grey and alpha png": grey_with_alpha,
    "colour png": lambda: encode(".png", np.dstack([RAMP] * 3).astype(np.uint16)),
    "rgba png": lambda: encode(".png", np.dstack([*[RAMP] * 3, RAMP * 0 + 65535]).astype("u2")),
    "grey tiff": lambda: encode(".tif", RAMP.astype(np.uint16)),
    "float tiff": lambda: encode(".tif", (RAMP / 10).astype(np.float32)),
    "double tiff": lambda: encode(".tif", RAMP / 10),
    "integer tiff": lambda: encode(".tif", RAMP.astype(np.int32)),
}


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("reduce", [1, 2, 8])
def test_every_deep_image_is_stretched_to_its_range(kind: str, reduce: int) -> None:
    data = DEEP[kind]()
    image = decode_image(data, reduce=reduce)
    assert image.shape == (48 // reduce, 64 // reduce, 3)
    assert image.dtype == np.uint8
    expected = (RAMP - 7000) * 255 / 127
    expected = expected.reshape(48, 64 // reduce, reduce).mean(axis=2)[::reduce]
    assert abs(image.astype(float) - expected[..., None]).max() < 3
    assert abs(decode_grey(data, reduce=reduce).astype(float) - expected).max() < 3


@pytest.mark.parametrize(("mode", "kind"), [("P", "PNG"), ("LA", "PNG"), ("L", "TIFF")])
def test_what_has_8_bits_stays_as_it_is(mode: str, kind: str) -> None:
    image = decode_image(pillow(mode, kind))
    assert abs(image[..., 0].astype(float) - (RAMP - 7000) * 2).max() < 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_two_levels_are_black_and_white(kind: str) -> None:
    assert set(np.unique(decode_image(pillow("1", kind)))) == {0, 255}


def test_dead_pixels_and_nan_do_not_take_the_range() -> None:
    image = (RAMP / 10).astype(np.float32)
    image[0, 0], image[1, 1], image[2, 2] = 1e9, np.nan, -np.inf
    stretched = decode_image(encode(".tif", image))
    assert stretched[0, 0, 0] == 255
    assert stretched[1, 1, 0] == stretched[2, 2, 0] == 0
    assert stretched[10, 60, 0] - int(stretched[10, 3, 0]) > 200


@pytest.mark.parametrize("value", [0, 7000, 65535])
def test_a_flat_image_stays_flat(value: int) -> None:
    assert len(np.unique(decode_image(encode(".png", np.full((8, 8), value, np.uint16))))) == 1


@pytest.fixture
def thermal(tmp_path: Path) -> Path:
    """Return an OTB folder of 16-bit images, which grow warmer by 20 counts each."""
    folder = tmp_path / "otb" / "Thermal" / "img"
    folder.mkdir(parents=True)
    for number in range(40):
        image = np.tile(np.linspace(7000, 7127, 120), (90, 1)) + 20 * number
        cv2.imwrite(str(folder / f"{number + 1:04d}.png"), image.astype(np.uint16))
    (folder.parent / "groundtruth_rect.txt").write_text("30,30,20,20\n" * 40)
    return folder


def test_every_reader_gives_a_video_the_same_levels(
    thermal: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracked = list(open_video(str(thermal)).frames)
    steps = np.diff([frame[45, 60, 0].astype(int) for frame in tracked])
    assert (abs(steps - 20 * 255 / (127 + 39 * 20)) < 1.5).all()  # warmer, without flicker
    assert (tracked[0].min(), tracked[-1].max()) == (0, 255)
    files = open_root(str(thermal.parents[1]))
    names = [f"Thermal/img/{number:04d}.png" for number in range(1, 41)]
    boxes = np.tile([29.0, 29, 20, 20], (40, 1))
    item = Track(
        name="t", video="t", group="t", category="", frames=names,
        frame_numbers=np.arange(40, dtype=np.int32), boxes_xywh=boxes, visible=np.ones(40, bool),
    )  # fmt: skip
    for index in (0, 20, 39):
        name = names[index]
        np.testing.assert_array_equal(read_image(files, name), tracked[index])
        levels, data = levels_of(files, name), files.read(name)
        frame = FrameCutter(data, [boxes[0]], stated_size=None, crop=CropSpec(), levels=levels)
        assert abs(frame._fill[0] - tracked[index].mean()) < 0.1
        window = target_window(files, item, index, CropSpec(template=32, search=64))
        assert abs(window.mean() - tracked[index].mean()) < 25
    said = [message for message in caplog.messages if "images of more than 8 bits" in message]
    assert [message.partition(":")[0] for message in said] == [str(thermal), files.root]
    assert "7" in said[0]


def test_tracking_16_bit_images_shows_them_and_says_so(
    thermal: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "o.mp4"
    options = ["--tracker", "static", "--video", str(thermal), "--box", "20,40,40,30"]
    assert track([*options, "--out", str(out)]) == 0
    assert "images of more than 8 bits" in caplog.messages[0]
    assert [frame.std() > 15 for frame in open_video(str(out)).frames] == [True] * 40


def test_a_build_of_16_bit_images_shows_them_and_says_so(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    shutil.copytree(sample_world / "coco", root)
    for path in root.rglob("*.jpg"):
        grey = decode_image(path.read_bytes())[..., 0]
        grey[0, :2] = 0, 255
        counts = encode(".png", grey.astype(np.uint16) // 2 + 7000)
        path.write_bytes(counts)  # of another format than its name, as some datasets have it
    assert build(["--src", "coco", "--root", str(root), "--out", str(out)]) == 0
    manifest = read_manifest(str(out / "manifest.parquet"))
    rows = manifest.rows.iter_rows(named=True)
    spread = [decode_image(read_jpeg(manifest.url, row, "x")).std() for row in rows]
    assert np.median(spread) > 20
    assert any("images of more than 8 bits" in message for message in caplog.messages)
