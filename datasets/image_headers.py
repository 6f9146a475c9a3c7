"""Headers of image files: the size, before memory is allocated for a picture."""

import struct

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that state the image's size (SOF0 to SOF15)."""
_MOST_PIXELS = 100_000_000


def check_size(data: bytes) -> None:
    """Check that a JPEG or PNG is not too large; other and damaged content passes.

    Raises:
        ValueError: Its header states 0 or more than 100 million pixels.
    """
    try:
        width, height = image_size(data)
    except ValueError:
        return
    if not 0 < width * height <= _MOST_PIXELS:
        raise ValueError(f"the header states {width} x {height} px, expected up to 100 megapixels")


def image_size(data: bytes) -> tuple[int, int]:
    """Return width and height from the header of a JPEG or PNG, without decoding it.

    Raises:
        ValueError: The content is neither, or its header is cut off.
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    position = frame_header(data)
    height, width = struct.unpack(">HH", data[position + 5 : position + 9])
    return width, height


def frame_header(data: bytes) -> int:
    """Return the position of a JPEG's frame header, not that of a thumbnail inside EXIF."""
    if data[:2] != b"\xff\xd8":
        raise ValueError(
            f"{len(data)} bytes that are not a JPEG or PNG, but start with {data[:8]!r}"
        )
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
