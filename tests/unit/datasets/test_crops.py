"""crop_square and the decoders: exact places, honest borders, filtered shrinking."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.crops import channel_mean, crop_square
from datasets.image_headers import image_size
from datasets.images import decode_image, encode_jpeg

BLACK = (0.0, 0.0, 0.0)


def ramp(width: int, height: int) -> Any:
    """Return an image whose red is x and whose green is y, in edge coordinates.

    It is float32, which OpenCV resamples by the same code without rounding to 8 bits.
    """
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x, y, 0 * x], axis=-1).astype(np.float32)


RAMP = ramp(1200, 1100)


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(500, 700),
    y=st.floats(500, 600),
    side=st.floats(20, 900),
    size=st.sampled_from([127, 255, 271]),
)
def test_crop_pixels_show_the_image_points_they_claim(
    x: float, y: float, side: float, size: int
) -> None:
    crop = crop_square(RAMP, center=(x, y), side=side, size=size, fill=BLACK)
    step = side / size
    for axis, center in ((0, x), (1, y)):
        expected = center + step * (np.arange(size) + 0.5 - size / 2)
        error = crop[:, :, axis].mean(axis=axis) - expected
        # OpenCV may place its samples on a grid of 1/32 px, of blocks where they were averaged.
        assert np.abs(error).max() < 0.02 * max(1, int(step))


def test_the_centre_of_the_window_is_the_centre_of_the_crop() -> None:
    image = np.zeros((301, 301, 3), np.uint8)
    image[150, 100] = 255
    crop = crop_square(image, center=(100.5, 150.5), side=255, size=255, fill=BLACK)
    assert np.argwhere(crop[:, :, 0] == 255).tolist() == [[127, 127]]


def test_a_window_of_whole_pixels_is_the_image_bit_for_bit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    crop = crop_square(image, center=(200.5, 140.5), side=255, size=255, fill=BLACK)
    assert np.array_equal(crop, image[13:268, 73:328])


def test_outside_the_image_is_the_fill() -> None:
    image = np.full((100, 100, 3), 200, np.uint8)
    for side in (255.0, 255.5, 700.3):
        crop = crop_square(image, center=(0, 0), side=side, size=255, fill=(10, 20, 30))
        assert crop[:120].reshape(-1, 3).tolist() == [[10, 20, 30]] * (120 * 255)
        assert (crop[140:150, 140:150] == 200).all()


@pytest.mark.parametrize("center", [(-5000.0, 50.0), (50.0, 9000.0)])
def test_a_window_far_outside_is_all_fill(center: tuple[float, float]) -> None:
    image = np.full((100, 100, 3), 200, np.uint8)
    for side in (40.0, 900.0):
        crop = crop_square(image, center=center, side=side, size=127, fill=(1, 2, 3))
        assert (crop == (1, 2, 3)).all()


@pytest.mark.parametrize("side", [0.0, -3.0, float("nan"), float("inf")])
def test_a_window_without_extent_is_refused(side: float) -> None:
    with pytest.raises(ValueError, match="cannot be cropped"):
        crop_square(RAMP, center=(20, 20), side=side, size=127, fill=BLACK)


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    checkers = np.indices((1016, 1016)).sum(axis=0) % 2 * 255
    image = np.repeat(checkers[:, :, None], 3, axis=2).astype(np.uint8)
    crop = crop_square(image, center=(508, 508), side=1016, size=127, fill=BLACK)
    assert np.abs(crop[1:-1, 1:-1].astype(int) - 127).max() <= 1


@pytest.mark.parametrize("photo", ["astronaut.png", "coffee.png", "chelsea.png"])
@pytest.mark.parametrize("step", [2.1, 2.9, 3.9])
def test_a_reduced_decode_gives_the_same_crop(photo: str, step: float) -> None:
    folder = Path(pytest.importorskip("skimage").__file__).parent / "data"
    data = encode_jpeg(decode_image((folder / photo).read_bytes()), quality=95)
    crops = [
        crop_square(
            decode_image(data, reduce=reduce),
            center=(200.3 / reduce, 151.8 / reduce),
            side=127 * step / reduce,
            size=127,
            fill=BLACK,
        )
        for reduce in (1, 2)
    ]
    error = np.mean((crops[0].astype(float) - crops[1]) ** 2)
    assert 10 * np.log10(255**2 / error) > 35, f"mean square error {error}"


def test_decoding_an_encoded_image_gives_it_back_in_rgb() -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :, 0] = 250  # red: swapped channels would come back blue
    decoded = decode_image(encode_jpeg(image))
    assert np.abs(decoded.astype(int) - image).max() <= 3
    assert channel_mean(decoded) == pytest.approx(decoded.mean(axis=(0, 1)), abs=1e-9)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_image_size_is_read_from_the_header(suffix: str) -> None:
    import cv2

    data = cv2.imencode(suffix, np.zeros((37, 91, 3), np.uint8))[1].tobytes()
    assert image_size(data) == (91, 37)
    assert image_size(data[:400]) == (91, 37)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"GIF8"]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bytes"):
        image_size(data)
    with pytest.raises(ValueError, match=r"JPEG|no image decoder reads"):
        decode_image(data)


def test_exif_rotation_is_ignored() -> None:
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, :20] = 255
    data = encode_jpeg(image)
    orientation_6 = io.BytesIO()
    exif = (
        b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06"
        + bytes(6)
    )
    orientation_6.write(
        data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    )
    rotated = orientation_6.getvalue()
    assert np.array_equal(decode_image(rotated), decode_image(data))
    assert image_size(rotated) == (40, 20)
