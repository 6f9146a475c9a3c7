"""Square crops around targets.

The build, the augmentation and the tracker all use `crop_square`, so that training and tracking
crops are the same.

All coordinates are edge coordinates: (0, 0) is the top-left corner of the top-left pixel, and the
centre of pixel j is at j + 0.5.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.images import Image
from manifests.crop_spec import CropSpec
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE

NETWORK_CROP = CropSpec(template=TEMPLATE_SIZE, search=SEARCH_SIZE)
"""The crops that networks take."""


def box_center(box_xywh: NDArray[np.float64]) -> tuple[float, float]:
    """Return a box's centre (x, y) in pixels."""
    x, y, width, height = (float(value) for value in box_xywh)
    return x + width / 2, y + height / 2


def channel_mean(image: Image) -> tuple[float, float, float]:
    """Return the mean of each channel, the colour of crops outside the image."""
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
    """Return the square window of the image, resampled to ``size`` pixels per side.

    The mapping is exact to a fraction of a pixel: the window's centre is the crop's centre, and
    its edges are the crop's edges. Shrinking is low-pass filtered: whole blocks of pixels are
    averaged first, three taps compensate for the rest, and the last step is bilinear.

    Args:
        image: (H, W, 3) uint8.
        center: (x, y) of the window's centre in edge coordinates of the image.
        side: Side of the window in image pixels.
        size: Side of the crop in pixels.
        fill: Colour outside the image.

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
    """Low-pass filter the part of the image in the window, for sampling ``size`` times per side.

    Blocks of whole pixels are averaged, which leaves a step of 1 to 2 pixels; three taps compensate
    for it. Their variance 2a is the difference between a triangle as wide as the step
    (step ** 2 / 6) and bilinear sampling (1/6).

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
