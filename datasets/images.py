"""Image files: decoding, checks of damage, encoding.

Images are (H, W, 3) uint8 RGB; OpenCV's BGR exists only inside this module.
"""

from importlib.metadata import version

import cv2
import numpy as np
from numpy.typing import NDArray
from simplejpeg import decode_jpeg, decode_jpeg_header

from datasets.image_headers import check_size, frame_header, image_size
from datasets.levels import FindLevels, decode_deep

Image = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""
Grey = NDArray[np.uint8]
"""(H, W) uint8."""

_TINY_PX = 16
_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
"""OpenCV's flags by reduction; ``IMREAD_COLOR`` is added for colours."""


def codec_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide a crop's bytes."""
    return {"opencv": cv2.__version__, "simplejpeg": version("simplejpeg")}


def decode_image(
    data: bytes,
    *,
    reduce: int = 1,
    strict: bool = False,
    levels: FindLevels | None = None,
) -> Image:
    """Decode an image as it is stored; EXIF rotation is ignored, as annotations ignore it.

    Args:
        data: The file's content.
        reduce: 1, 2, 4 or 8: decode at that fraction of the size. A JPEG decoder does it before
            the inverse transform, and the result is low-pass filtered. Point (x, y) of the image
            is at (x / reduce, y / reduce) of the result, in edge coordinates.
        strict: Reject a JPEG that the decoder reports as damaged, instead of decoding it partly.
        levels: Finds the range of an image of more than 8 bits, as `datasets.levels.levels_of`
            does for a video; None uses the image's own range.

    Raises:
        ValueError: The content is not an image that can be decoded, or a JPEG or PNG of more
            than 100 million pixels.
    """
    check_size(data)
    if header := _jpeg_header(data):  # a tenth faster than OpenCV, and it reports damage
        width, height, has_black = header
        smaller = {"min_width": -(-width // reduce), "min_height": -(-height // reduce)}
        colors = "CMYK" if has_black else "RGB"
        decoded: Image = decode_jpeg(data, colors, min_factor=1, strict=strict, **smaller)
        return _blacken(decoded) if has_black else decoded
    if (deep := decode_deep(data, reduce=reduce, levels=levels)) is not None:
        return deep
    image = _decode(data, _REDUCED[reduce] | cv2.IMREAD_COLOR)
    rgb: Image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)
    return rgb


def decode_grey(data: bytes, *, reduce: int, levels: FindLevels | None = None) -> Grey:
    """Decode an image without its colours, in five sixths of the time of `decode_image`.

    Args:
        data: The file's content.
        reduce: As for `decode_image`.
        levels: As for `decode_image`.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: The content is not an image that can be decoded, or too large.
    """
    check_size(data)
    if (deep := decode_deep(data, reduce=reduce, levels=levels)) is not None:
        return np.asarray(cv2.cvtColor(deep, cv2.COLOR_RGB2GRAY), np.uint8)
    return _decode(data, _REDUCED[reduce])


def _decode(data: bytes, flags: int) -> NDArray[np.uint8]:
    flags |= cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise ValueError(f"{len(data)} bytes that no image decoder reads")
    return np.asarray(image, np.uint8)


def _jpeg_header(data: bytes) -> tuple[int, int, bool] | None:
    """Return width, height and True for CMYK, of a JPEG that `simplejpeg` can read.

    OpenCV reads all others.
    """
    if data[:2] != b"\xff\xd8":
        return None
    try:
        height, width, colors, _ = decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):  # damaged, or an uncommon subsampling of the colours
        return None
    # A tiny image has several scales of the same size.
    return (width, height, "K" in colors) if min(height, width) >= _TINY_PX else None


def _blacken(cmyk: NDArray[np.uint8]) -> Image:
    """Return the RGB image of (H, W, 4) inverted CMYK, the form in JPEGs."""
    rgb: Image = cv2.multiply(cmyk[..., :3], cmyk[..., 3:].repeat(3, axis=2), scale=1 / 255)
    return rgb


def check_image(data: bytes) -> tuple[int, int]:
    """Check that a JPEG or PNG is whole and not too large; return its width and height.

    Decoders fill the missing part of a truncated file with grey and only print a warning, so the
    end marker is checked here; the size is checked before memory is allocated.

    Raises:
        ValueError: It is neither, it is truncated, or it has more than 100 million pixels.
    """
    width, height = image_size(data)
    check_size(data)
    if data[:1] == b"\x89":
        begin, end = data.find(b"IDAT"), data.rfind(b"IEND")
    else:
        # Inside the coded image a JPEG has no such bytes, but its EXIF thumbnail may.
        begin, end = data.find(b"\xff\xda", frame_header(data)), data.rfind(b"\xff\xd9")
    if not 0 < begin < end:
        raise ValueError(f"the image is cut off after {len(data)} bytes")
    return width, height


def encode_jpeg(image: Image, *, quality: int = 92) -> bytes:
    """Encode an RGB image as a baseline JPEG with 4:2:0 chroma, which decodes fastest."""
    options = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"an image of shape {image.shape} cannot be encoded as JPEG")
    return bytes(data)


def encode_gray_png(values: NDArray[np.uint8]) -> bytes:
    """Return (H, W) values as the content of a PNG file without colours."""
    done, data = cv2.imencode(".png", values)
    assert done
    return bytes(data)


def encode_png(image: Image) -> bytes:
    """Return an RGB or RGBA image as the content of a PNG file."""
    swap = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(image, swap))
    assert done
    return bytes(data)
