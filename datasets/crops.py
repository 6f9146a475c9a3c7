"""Pixels: decode an image, cut a square out of it, encode the crop.

The build, the augmentation and the tracker all cut with `crop_square`, so that a network sees in
training what it will see in use. Images are (H, W, 3) uint8 RGB; OpenCV's BGR exists only inside
`decode_image` and `encode_jpeg`.
"""

import math
import struct
from importlib.metadata import version

import cv2
import numpy as np
from numpy.typing import NDArray
from simplejpeg import decode_jpeg, decode_jpeg_header

from datasets.levels import FindLevels, decode_deep
from manifests.crop_spec import CropSpec
from model.config import SEARCH_SIZE, TEMPLATE_SIZE

Image = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""
NETWORK_CROP = CropSpec(template=TEMPLATE_SIZE, search=SEARCH_SIZE)
"""The crops that networks take."""

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that state the image's size (SOF0 to SOF15)."""
_MOST_PIXELS = 100_000_000
_TINY_PX = 16
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


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
        strict: Refuse a JPEG that the decoder finds damaged, instead of what it makes of it.
        levels: Finds the range of an image of more than 8 bits, as `datasets.levels.levels_of`
            does for a video; None takes the image's own.

    Raises:
        ValueError: The content is not an image that can be decoded.
    """
    if header := _jpeg_header(data):  # a tenth faster than OpenCV, and it tells of damage
        width, height, has_black = header
        smaller = {"min_width": -(-width // reduce), "min_height": -(-height // reduce)}
        colors = "CMYK" if has_black else "RGB"
        decoded: Image = decode_jpeg(data, colors, min_factor=1, strict=strict, **smaller)
        return _blacken(decoded) if has_black else decoded
    if (deep := decode_deep(data, reduce=reduce, levels=levels)) is not None:
        return deep
    flags = _REDUCED[reduce] | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise ValueError(f"{len(data)} bytes that no image decoder reads")
    rgb: Image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)
    return rgb


def _jpeg_header(data: bytes) -> tuple[int, int, bool] | None:
    """Return width, height and whether it is CMYK of a JPEG that `simplejpeg` can read.

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
    """Return the RGB image of (H, W, 4) inverted CMYK, which is how JPEGs hold it."""
    rgb: Image = cv2.multiply(cmyk[..., :3], cmyk[..., 3:].repeat(3, axis=2), scale=1 / 255)
    return rgb


def check_image(data: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG or PNG that is whole and of a sane size.

    Decoders fill what a truncated file lacks with grey and only print a warning, so its end is
    looked for; the size is checked before memory is taken for it.

    Raises:
        ValueError: It is neither, it is cut off, or it has more than 100 million pixels.
    """
    width, height = image_size(data)
    if not 0 < width * height <= _MOST_PIXELS:
        raise ValueError(f"the header states {width} x {height} px, expected up to 100 megapixels")
    if data[:1] == b"\x89":
        begin, end = data.find(b"IDAT"), data.rfind(b"IEND")
    else:
        # Inside the coded image a JPEG has no such bytes, but its EXIF thumbnail may.
        begin, end = data.find(b"\xff\xda", _frame_header(data)), data.rfind(b"\xff\xd9")
    if not 0 < begin < end:
        raise ValueError(f"the image is cut off after {len(data)} bytes")
    return width, height


def image_size(data: bytes) -> tuple[int, int]:
    """Return width and height that a JPEG's or PNG's header states, without decoding it.

    Raises:
        ValueError: The content is neither, or its header is cut off.
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    position = _frame_header(data)
    height, width = struct.unpack(">HH", data[position + 5 : position + 9])
    return width, height


def _frame_header(data: bytes) -> int:
    """Return where a JPEG's frame header starts; a thumbnail's, which is inside EXIF, is not it."""
    if data[:2] != b"\xff\xd8":
        raise ValueError(f"{len(data)} bytes that are not a JPEG, but start with {data[:8]!r}")
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _FRAME_HEADERS:
            return position
        position += 2 + int(struct.unpack(">H", data[position + 2 : position + 4])[0])
    raise ValueError(f"{len(data)} bytes of a JPEG that ends before its frame header")


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


def box_center(box_xywh: NDArray[np.float64]) -> tuple[float, float]:
    """Return a box's centre (x, y) in pixels."""
    x, y, width, height = (float(value) for value in box_xywh)
    return x + width / 2, y + height / 2


def channel_mean(image: Image) -> tuple[float, float, float]:
    """Return the mean of each channel, with which crops are continued outside the image."""
    red, green, blue, _ = cv2.mean(image)
    return red, green, blue


def crop_square(
    image: Image,
    *,
    center: tuple[float, float],
    side: float,
    size: int,
    fill: tuple[float, float, float],
) -> Image:
    """Return the square window of the image, resampled to ``size`` pixels a side.

    The mapping is exact to a fraction of a pixel: the window's centre is the crop's centre, and
    its edges are the crop's edges. Shrinking is low-pass filtered: whole blocks of pixels are
    averaged first, three taps make up for the rest, and what is left is bilinear.

    Args:
        image: (H, W, 3) uint8.
        center: (x, y) of the window's centre in edge coordinates of the image.
        side: Side of the window in image pixels.
        size: Side of the crop in pixels.
        fill: Colour of what lies outside the image.

    Returns:
        (size, size, 3) uint8.

    Raises:
        ValueError: The window has no finite position or no extent.
    """
    side = float(side)
    left, top = float(center[0]) - side / 2, float(center[1]) - side / 2
    if not (math.isfinite(left) and math.isfinite(top) and side > 0):
        raise ValueError(f"a window of side {side!r} around {center!r} cannot be cropped")
    if side > size:
        image, left, top, side = _low_pass(image, left, top, side, size, fill)
    step = side / size
    # warpAffine works on pixel centres: crop pixel j is at edge j + 0.5, image edge x at x - 0.5.
    offset_x, offset_y = left + step / 2 - 0.5, top + step / 2 - 0.5
    matrix = np.array([[step, 0, offset_x], [0, step, offset_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    constant = cv2.BORDER_CONSTANT
    crop: Image = cv2.warpAffine(
        image, matrix, (size, size), flags=flags, borderMode=constant, borderValue=fill
    )
    return crop


def _low_pass(
    image: Image,
    left: float,
    top: float,
    side: float,
    size: int,
    fill: tuple[float, float, float],
) -> tuple[Image, float, float, float]:
    """Filter the part of the image that the window needs, so that it can be sampled ``size`` times.

    Blocks of whole pixels are averaged, which leaves a step of 1 to 2 pixels; three taps make up
    for that. Their variance 2a is what bilinear sampling (1/6) lacks of a triangle as wide as the
    step (step ** 2 / 6).

    Returns:
        The filtered part, and the window's left edge, top edge and side in it.
    """
    block = int(side / size)
    margin = 2 * block
    height, width = image.shape[:2]
    # Blocks start at multiples of their size, as those of a JPEG decoder that reduces do.
    first_x = min(max(int(left) - margin, 0), width - 1) // block * block
    first_y = min(max(int(top) - margin, 0), height - 1) // block * block
    stop_x = max(min(math.ceil(left + side) + margin, width), first_x + 1)
    stop_y = max(min(math.ceil(top + side) + margin, height), first_y + 1)
    part = image[first_y:stop_y, first_x:stop_x]
    if block > 1:
        missing_x, missing_y = -part.shape[1] % block, -part.shape[0] % block
        if missing_x or missing_y:
            constant = cv2.BORDER_CONSTANT
            part = cv2.copyMakeBorder(part, 0, missing_y, 0, missing_x, constant, value=fill)
        shape = (part.shape[1] // block, part.shape[0] // block)
        part = cv2.resize(part, shape, interpolation=cv2.INTER_AREA)
    tap = ((side / size / block) ** 2 - 1) / 12
    if tap > 0.01:
        sigma = math.sqrt(-0.5 / math.log(tap / (1 - 2 * tap)))
        part = cv2.GaussianBlur(part, (3, 3), sigma, borderType=cv2.BORDER_REPLICATE)
    return part, (left - first_x) / block, (top - first_y) / block, side / block
